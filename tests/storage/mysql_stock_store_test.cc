// Holds the tables to the contract, and to what only tables can get wrong.

#include "inventory-svc/storage/mysql_stock_store.h"

#include <gmock/gmock.h>

#include <memory>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "inventory-svc/domain/names.h"
#include "inventory-svc/storage/movement_hash.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/transaction.h"
#include "tests/harness/invariants.h"
#include "tests/harness/ledger_database.h"
#include "tests/storage/movement_drafts.h"
#include "tests/storage/store_contract.h"

namespace quartermaster::inventory {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class MysqlUnderTest final : public StoreUnderTest {
 public:
  StockStore& store() override { return store_; }

  bool IsAnyoneWaiting() override {
    const auto connection = pool_.Acquire(absl::Now() + absl::Seconds(30));
    if (!connection.ok()) return false;
    // In this database alone: other tests use the same server.
    const auto rows = (*connection)
                          ->Query(
                              "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE db = "
                              "DATABASE() AND id <> CONNECTION_ID() AND info LIKE '%FOR UPDATE%'");
    EXPECT_TRUE(rows.ok()) << rows.status();
    return rows.ok() && (*rows)[0].Int64(0) > 0;
  }

  int64_t rerun_count() override {
    return pool_.transaction_counters().rerun_count - rerun_count_before_;
  }

  void MakeTransfer(const base::Uuid& transfer_id) override {
    const auto connection = pool_.Acquire(absl::Now() + absl::Seconds(30));
    ASSERT_TRUE(connection.ok()) << connection.status();
    for (const char* sql :
         {"INSERT INTO records (record_id, record_time, occurred_time, caller, method, resource, "
          "request_id, after_hash, trace_id) VALUES (?, NOW(6), NOW(6), '', '', ?, '', '', '')",
          "INSERT INTO document_versions (record_id, record_time, resource, version, state, actor, "
          "snapshot) SELECT record_id, record_time, resource, 1, 'ON_THE_WAY', '', '' FROM records "
          "WHERE record_id = ? AND resource = ?"}) {
      const auto done =
          (*connection)->Execute(sql, {transfer_id.ToBytes(), TransferName(transfer_id)});
      ASSERT_TRUE(done.ok()) << done.status();
    }
  }

  void MakeDocumentRequest(const RequestKey& request) override {
    MakeTransfer(request.request_id);
    const auto connection = pool_.Acquire(absl::Now() + absl::Seconds(30));
    ASSERT_TRUE(connection.ok()) << connection.status();
    const auto done =
        (*connection)
            ->Execute(
                "INSERT INTO requests (caller, request_id, method, content_hash, "
                "resource, version) VALUES (?, ?, '', '', ?, 1)",
                {request.caller, request.request_id.ToBytes(), TransferName(request.request_id)});
    ASSERT_TRUE(done.ok()) << done.status();
  }

  std::vector<std::string> Violations() override { return testing::FindBookViolations(pool_); }

 private:
  mysql::Pool& pool_ = EmptyLedgerDatabase();
  const int64_t rerun_count_before_ = pool_.transaction_counters().rerun_count;
  MysqlStockStore store_{pool_};
};

std::unique_ptr<StoreUnderTest> MakeMysql() { return std::make_unique<MysqlUnderTest>(); }

INSTANTIATE_TEST_SUITE_P(Mysql, StockStoreContract, ::testing::Values(&MakeMysql));

// Goal: who makes rows outlives a deadlock, which another's transaction can always cause.
// Method: a transaction, made heavy so that the database picks the other, holds the second of two
// rows while somebody makes both, and then asks for the first.
TEST(MysqlStockStoreTest, MakesBalancesAgainAfterADeadlock) {
  mysql::Pool& pool = EmptyLedgerDatabase();
  MysqlStockStore store(pool);
  const BalanceKey first = KeyOf(kDepotId, State::kAvailable);
  const BalanceKey second = KeyOf(kDepotId, State::kQuarantine);
  const auto insert = [](const BalanceKey& key) {
    return absl::StrCat("INSERT INTO balances (location_id, state, holder, lot_id, unit_id, ",
                        "item_id) VALUES (", ToNumber(key.location), ",",
                        static_cast<int>(key.state), ",REPEAT(CHAR(0), 16),", ToNumber(key.lot),
                        ",2,1)");
  };
  const auto is_anyone_waiting = [&] {
    const auto connection = pool.Acquire(Soon());
    // Two rows take no time, so one that takes some waits. Other tests use the same server.
    const auto rows = (*connection)
                          ->Query(
                              "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE db = "
                              "DATABASE() AND info LIKE 'INSERT IGNORE%' AND time_ms > 200");
    return rows.ok() && (*rows)[0].Int64(0) > 0;
  };
  const int64_t reruns_before = pool.transaction_counters().rerun_count;
  absl::Status made;
  std::thread maker;

  const absl::Status held =
      mysql::InTransaction(pool, Soon(), [&](mysql::Connection& connection) -> absl::Status {
        QM_RETURN_IF_ERROR(
            connection
                .Execute("INSERT INTO balances (location_id, state, holder, lot_id, unit_id, "
                         "item_id) SELECT 1, 17, UNHEX(LPAD(HEX(seq), 32, '0')), 1, 2, 1 FROM "
                         "seq_1_to_500")
                .status());
        QM_RETURN_IF_ERROR(connection.Execute(insert(second)).status());
        maker = std::thread([&] {
          const mysql::DatabaseThread database_thread;
          made = store.MakeBalances(Soon(), {first, second});
        });
        for (const absl::Time until = Soon(); !is_anyone_waiting() && absl::Now() < until;) {
          absl::SleepFor(absl::Milliseconds(1));
        }
        return connection.Execute(insert(first)).status();
      });
  maker.join();

  EXPECT_TRUE(held.ok()) << held;
  EXPECT_TRUE(made.ok()) << made;
  EXPECT_GE(pool.transaction_counters().rerun_count - reruns_before, 1);
}

// Goal: one request never posts and writes a document, however closely the two meet.
// Method: the document commits before the posting begins, or after it has looked for its request
// and before it writes. Nothing is posted, and the next run sees why.
TEST(MysqlStockStoreTest, APostingMeetsTheDocumentThatHasItsRequest) {
  for (const bool is_before : {true, false}) {
    MysqlUnderTest under_test;
    const Draft draft;
    const RequestKey request = {.caller = draft.caller, .request_id = RequestId(draft.request)};
    ASSERT_TRUE(under_test.store().MakeBalances(Soon(), {draft.source, draft.destination}).ok());
    if (is_before) under_test.MakeDocumentRequest(request);
    std::vector<bool> found_by_run;

    const absl::Status status =
        under_test.store().Atomically(Soon(), [&](StockBook& book) -> absl::Status {
          QM_ASSIGN_OR_RETURN(Found found,
                              book.LockAndFind({.balances = {draft.source, draft.destination},
                                                .requests = {request}}));
          found_by_run.push_back(found.requests.contains(request));
          if (found_by_run.back()) return absl::OkStatus();
          if (!is_before) under_test.MakeDocumentRequest(request);
          return book.RecordAndCommit(MakeRecord(draft, RequestId(7), std::move(found.balances)));
        });

    EXPECT_TRUE(status.ok()) << status;
    EXPECT_THAT(found_by_run, ElementsAre(false, true));
    EXPECT_FALSE(under_test.store().FindMovement(Soon(), RequestId(7))->has_value());
    EXPECT_THAT(under_test.Violations(), IsEmpty());
  }
}

// What is remembered is a copy; forgetting it costs a look, never a refusal.
TEST(MysqlStockStoreTest, PostsWithoutRememberingAnything) {
  mysql::Pool& pool = EmptyLedgerDatabase();
  MysqlStockStore store(pool, {.cached_balance_count_max = 1, .cached_lot_count_max = 1});
  const ManualClock clock;
  CountingUuids uuids(clock);
  LedgerWorld world;
  StockLedger ledger(store, world.units(), world.items(), clock, uuids);

  for (uint64_t request = 1; request <= 3; ++request) {
    const auto posted = ledger.PostMovement(CallBy(), AReceipt(5, request));
    EXPECT_TRUE(posted.ok()) << posted.status();
  }

  EXPECT_THAT(testing::FindBookViolations(pool), IsEmpty());
}

// Goal: who sees a movement's record and a part of its lines cannot guess the rest, and who has the
// books can tell that it is the movement that was sealed.
TEST(MysqlStockStoreTest, HashesOfMovementsAreSaltedWithWhatTheBooksKeep) {
  mysql::Pool& pool = EmptyLedgerDatabase();
  MysqlStockStore store(pool);
  const base::SystemClock clock;
  base::UuidSource uuids(clock);
  LedgerWorld world;
  StockLedger ledger(store, world.units(), world.items(), clock, uuids);
  PostMovementCommand with_note = AReceipt(5, 2);
  with_note.note = "by night";
  std::set<std::string> salts;

  for (const PostMovementCommand& command : {AReceipt(5, 1), with_note}) {
    const absl::StatusOr<Movement> movement = ledger.PostMovement(CallBy(), command);
    ASSERT_TRUE(movement.ok()) << movement.status();
    const auto connection = pool.Acquire(Soon());
    const auto rows =
        (*connection)
            ->Query(
                "SELECT r.after_hash, m.salt, COALESCE(n.salt, '') FROM records r JOIN movements "
                "m ON m.movement_id = r.record_id LEFT JOIN notes n ON n.movement_id = "
                "m.movement_id WHERE m.movement_id = ?",
                {movement->movement_id.ToBytes()});
    ASSERT_TRUE(rows.ok()) << rows.status();
    const std::string sealed = (*rows)[0].String(0);
    const MovementSalts kept = {.movement = (*rows)[0].String(1), .note = (*rows)[0].String(2)};
    const auto hash = [&](const MovementSalts& with) {
      const base::Sha256Digest digest = HashMovement(*movement, with);
      return std::string(digest.begin(), digest.end());
    };

    EXPECT_EQ(kept.movement.size(), 16);
    EXPECT_TRUE(salts.insert(kept.movement).second);
    EXPECT_EQ(sealed, hash(kept));
    EXPECT_NE(sealed, hash({.note = kept.note}));
  }
}

// A replica that was started later knows nothing of what others made and posted.
TEST(MysqlStockStoreTest, TwoReplicasKeepOneSetOfBooks) {
  mysql::Pool& pool = EmptyLedgerDatabase();
  MysqlStockStore first(pool);
  MysqlStockStore second(pool);
  const base::SystemClock clock;
  base::UuidSource uuids(clock);
  LedgerWorld world;
  StockLedger here(first, world.units(), world.items(), clock, uuids);
  StockLedger there(second, world.units(), world.items(), clock, uuids);

  const auto received = here.PostMovement(CallBy(), AReceipt(5, 1));
  const auto consumed = there.PostMovement(CallBy(), AConsumption(3, 2));
  const auto replayed = there.PostMovement(CallBy(), AReceipt(5, 1));
  const auto reversed = there.ReverseMovement(
      CallBy(), {.movement_id = consumed->movement_id, .request_id = RequestId(3)});

  ASSERT_TRUE(received.ok() && consumed.ok() && replayed.ok() && reversed.ok());
  EXPECT_EQ(replayed->movement_id, received->movement_id);
  EXPECT_EQ(replayed->record_time, received->record_time);
  EXPECT_THAT(testing::FindBookViolations(pool), IsEmpty());
}

}  // namespace
}  // namespace quartermaster::inventory
