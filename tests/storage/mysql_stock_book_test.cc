// How the statements that lock and look up are run, at their largest.

#include "inventory-svc/storage/mysql_stock_book.h"

#include <gmock/gmock.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/transaction.h"
#include "tests/harness/ledger_database.h"
#include "tests/storage/movement_drafts.h"

namespace quartermaster::inventory {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Both ends of 500 lines.
constexpr size_t kLockedBalanceCountMax = 1000;

// Makes 5000 balances and returns the numbers of every fifth: as many as one movement can lock.
std::vector<int64_t> ManyBalances(mysql::Pool& pool) {
  const auto connection = pool.Acquire(Soon());
  EXPECT_TRUE(connection.ok());
  EXPECT_TRUE(
      (*connection)
          ->Execute("INSERT INTO balances (location_id, state, holder, lot_id, unit_id, item_id) "
                    "SELECT 1, 17, UNHEX(LPAD(HEX(seq), 32, '0')), 1, 2, 1 FROM seq_1_to_5000")
          .ok());
  const auto rows = (*connection)
                        ->Query(
                            "SELECT balance_id FROM balances WHERE balance_id % 5 = 0 ORDER BY "
                            "balance_id");
  EXPECT_TRUE(rows.ok());
  std::vector<int64_t> ids;
  for (const mysql::Row row : *rows) ids.push_back(row.Int64(0));
  EXPECT_EQ(ids.size(), kLockedBalanceCountMax);
  return ids;
}

// A scan in place of the range would lock what it reads in another order, or all there is.
TEST(MysqlStockBookTest, LockingReadWalksThePrimaryKeyAtItsLargest) {
  mysql::Pool& pool = EmptyLedgerDatabase();
  const std::vector<int64_t> ids = ManyBalances(pool);
  const auto connection = pool.Acquire(Soon());
  ASSERT_TRUE(connection.ok());

  for (const std::string& statement : LockBalancesStatements(ids)) {
    const auto plan = (*connection)->Query(absl::StrCat("EXPLAIN ", statement));

    ASSERT_TRUE(plan.ok()) << plan.status();
    ASSERT_EQ(plan->size(), 1) << "the list was turned into a table of its own";
    EXPECT_EQ((*plan)[0].String(3), "range");
    EXPECT_EQ((*plan)[0].String(5), "PRIMARY");
    EXPECT_THAT((*plan)[0].String(9), Not(HasSubstr("filesort")));
  }
}

TEST(MysqlStockBookTest, LockingReadLocksTheRowsItReturnsAndNoOthers) {
  mysql::Pool& pool = EmptyLedgerDatabase();
  const std::vector<int64_t> ids = ManyBalances(pool);
  std::vector<int64_t> locked;
  uint64_t locked_row_count = 0;

  const absl::Status status =
      mysql::InTransaction(pool, Soon(), [&](mysql::Connection& connection) -> absl::Status {
        locked.clear();
        for (const std::string& statement : LockBalancesStatements(ids)) {
          QM_ASSIGN_OR_RETURN(const mysql::Rows rows, connection.Query(statement));
          for (const mysql::Row row : rows) locked.push_back(row.Int64(0));
        }
        QM_ASSIGN_OR_RETURN(
            const mysql::Rows rows,
            connection.Query("SELECT trx_rows_locked FROM information_schema.INNODB_TRX WHERE "
                             "trx_mysql_thread_id = CONNECTION_ID()"));
        locked_row_count = rows[0].Uint64(0);
        return absl::OkStatus();
      });

  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(locked, ids);
  EXPECT_EQ(locked_row_count, ids.size());
}

// A turn looks for as many requests as it has postings, of as many callers.
TEST(MysqlStockBookTest, LookUpOfRequestsWalksTheUniqueKeysAtItsLargest) {
  mysql::Pool& pool = EmptyLedgerDatabase();
  const auto connection = pool.Acquire(Soon());
  ASSERT_TRUE(connection.ok());
  // Of an empty table all plans are alike.
  for (const char* sql :
       {"INSERT INTO movements (movement_id, caller, request_id, content_hash, reason, "
        "occurred_time, record_time) SELECT UNHEX(LPAD(HEX(seq), 32, '0')), "
        "CONCAT('persons/clerk-', "
        "100 + seq % 64), UNHEX(LPAD(HEX(seq), 32, '0')), '', 1, NOW(6), NOW(6) FROM "
        "seq_1_to_20000",
        "INSERT INTO requests (caller, request_id, method, content_hash, resource, version) SELECT "
        "caller, request_id, '', '', '', 1 FROM movements",
        "ANALYZE TABLE movements, requests"}) {
    const auto done = (*connection)->Query(sql);
    ASSERT_TRUE(done.ok()) << done.status();
  }
  std::vector<RequestKey> requests;
  for (int caller = 0; caller < 64; ++caller) {
    for (uint64_t request = 0; request < 4; ++request) {
      requests.push_back({absl::StrCat("persons/clerk-", 100 + caller), RequestId(request)});
    }
  }

  for (auto [statement, key] :
       {std::pair(FindPostedStatement(requests), "uk_movements_caller_request_id"),
        std::pair(FindDocumentRequestsStatement(requests), "PRIMARY")}) {
    statement.sql = "EXPLAIN " + statement.sql;
    const auto plan = (*connection)->ExecuteBatch({statement});

    ASSERT_TRUE(plan.ok()) << plan.status();
    ASSERT_EQ(plan->front().size(), 1);
    EXPECT_EQ(plan->front()[0].String(3), "range") << key;
    EXPECT_EQ(plan->front()[0].String(5), key);
  }
}

}  // namespace
}  // namespace quartermaster::inventory
