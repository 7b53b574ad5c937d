// Goal: a proof finds lines and balances by their indexes, in pieces as large as it asks for.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "inventory-svc/domain/full_proof.h"
#include "inventory-svc/domain/stock_ledger.h"
#include "inventory-svc/storage/mysql_line_books.h"
#include "inventory-svc/storage/mysql_stock_store.h"
#include "tests/harness/invariants.h"
#include "tests/harness/ledger_database.h"
#include "tests/harness/ledger_world.h"
#include "tests/storage/history_turns.h"

namespace quartermaster::inventory {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

class LineBooksTest : public ::testing::Test {
 protected:
  LineBooksTest()
      : pool_(EmptyLedgerDatabase()),
        store_(pool_),
        ledger_(store_, world_.units(), world_.items(), clock_, uuids_),
        books_(pool_) {
    for (int i = 0; i < 150; ++i) {
      // Two lines of the same balance in one movement: a piece must not end between them.
      PostMovementCommand command =
          i % 3 == 2 ? AConsumption(1, ++request_count_) : AReceipt(5, ++request_count_);
      if (i % 5 == 0) command.lines.push_back(command.lines[0]);
      EXPECT_TRUE(ledger_.PostMovement(CallBy(), command).ok());
      clock_.Advance(absl::Minutes(7));
    }
  }

  mysql::Rows Query(const std::string& sql) { return QueryRows(pool_, sql); }

  LedgerWorld world_;
  mysql::Pool& pool_;
  ManualClock clock_;
  CountingUuids uuids_{clock_, 1};
  MysqlStockStore store_;
  StockLedger ledger_;
  MysqlLineBooks books_;
  uint64_t request_count_ = 0;
};

TEST_F(LineBooksTest, ReadsByItsIndexes) {
  Query(
      "INSERT INTO balances (location_id, state, holder, lot_id, unit_id, item_id) SELECT 4, 4, "
      "UNHEX(LPAD(HEX(seq), 32, '0')), 2, 3, 1 FROM seq_1_to_3000");
  Query("ANALYZE TABLE balances, movement_lines, records");
  LineSpan given{.balance = BalanceId{1}, .is_source = true, .last_record_time = clock_.Now()};
  LineSpan got{.balance = BalanceId{2}, .last_record_time = clock_.Now()};
  got.after = RequestId(3);
  got.through = RequestId(90);

  const auto expect_plan = [&](const std::string& sql, const std::vector<std::string>& indexes) {
    std::vector<std::string> used;
    for (const mysql::Row row : Query("EXPLAIN " + sql)) {
      if (row.IsNull(2) || row.String(2)[0] == '<') continue;
      EXPECT_NE(row.String(3), "ALL") << sql;
      EXPECT_NE(row.String(3), "index") << sql;
      EXPECT_THAT(row.IsNull(9) ? "" : row.String(9), Not(HasSubstr("filesort"))) << sql;
      used.push_back(row.IsNull(5) ? "(none)" : row.String(5));
    }
    EXPECT_EQ(used, indexes) << sql;
  };
  expect_plan(CutSpansStatement({given, got}, 50),
              {"ix_movement_lines_source", "ix_movement_lines_destination"});
  expect_plan(*SumLinesStatement({given, got}, {.sequence = 70}),
              {"ix_movement_lines_source", "PRIMARY", "ix_movement_lines_destination", "PRIMARY"});
  const BalancePlace place{.item = ItemId{1}, .state = 4, .balance = BalanceId{500}};
  expect_plan(BalancesBehindStatement(std::nullopt, place, 100), {"ix_balances_item"});
  expect_plan(BalancesBehindStatement(ItemId{1}, place, 100), {"ix_balances_item"});
}

// Without any history: each balance is compared with its own lines, whatever is sealed.
TEST_F(LineBooksTest, SumsABalanceInPiecesOfAnySize) {
  for (const int64_t line_count : {1, 2, 7, 100, 100'000}) {
    ProofPosition position;
    position.balance_count = *books_.CountBalances(Soon(), std::nullopt);
    int page_count = 0;
    std::vector<ItemProof> items;
    for (bool is_done = false; !is_done; ++page_count) {
      const auto page = ProveOn(books_, Soon(), std::nullopt, Moment(), position, line_count);
      ASSERT_TRUE(page.ok()) << page.status();
      EXPECT_THAT(page->differences, IsEmpty());
      is_done = page->is_done;
      items.insert(items.end(), page->items.begin(), page->items.end());
      // All that it needs goes through the token.
      const auto carried = ProofPosition::FromText(page->position.ToText());
      ASSERT_TRUE(carried.has_value());
      position = *carried;
    }
    EXPECT_EQ(position.summed_line_count, 360);
    EXPECT_EQ(position.checked_balance_count, 3);
    EXPECT_EQ(items.size(), 1u);
    EXPECT_GE(page_count, 360 / (line_count + 1) / 2) << line_count;
  }
  Query("UPDATE movement_lines SET quantity = 6 WHERE quantity = 5 LIMIT 1");
  const auto page = ProveOn(books_, Soon(), std::nullopt, Moment(), ProofPosition(), 1'000'000);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->differences.size(), 2u);
  Query("UPDATE movement_lines SET quantity = 5 WHERE quantity = 6");
  EXPECT_THAT(testing::FindBookViolations(pool_), IsEmpty());
}

// Goal: what is posted to a balance while it is summed up is no difference.
// Method: after each page, of one line or a few, something more is posted to the same accounts.
TEST_F(LineBooksTest, ABalanceThatMovesWhileItIsSummedUpIsNoDifference) {
  for (const int64_t line_count : {2, 40}) {
    ProofPosition position;
    int page_count = 0;
    for (bool is_done = false; !is_done; ++page_count) {
      const auto page = ProveOn(books_, Soon(), std::nullopt, Moment(), position, line_count);
      ASSERT_TRUE(page.ok()) << page.status();
      ASSERT_THAT(page->differences, IsEmpty()) << page->position.ToText();
      is_done = page->is_done;
      position = page->position;
      // Not for ever: each page sums up more than is posted.
      if (page_count % 8 != 0) continue;
      ASSERT_TRUE(ledger_.PostMovement(CallBy(), AReceipt(3, ++request_count_)).ok());
      ASSERT_TRUE(ledger_.PostMovement(CallBy(), AConsumption(2, ++request_count_)).ok());
    }
    EXPECT_GT(page_count, 3);
  }
  EXPECT_THAT(testing::FindBookViolations(pool_), IsEmpty());
}

TEST(ProofPositionTest, TakesNoOtherText) {
  const std::string whole = ProofPosition().ToText();
  EXPECT_TRUE(ProofPosition::FromText(whole).has_value());
  for (const std::string& text :
       {std::string(), std::string("0"), whole + "/", whole + "/1", "-1" + whole.substr(1),
        "99999999999999999999" + whole.substr(1), "x" + whole.substr(1)}) {
    EXPECT_FALSE(ProofPosition::FromText(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace quartermaster::inventory
