// Goal: a lot's story is all of it, in the books' order, whatever pages it is read by and whichever
// units may be seen; and it is found by indexes.
// Method: a seeded history of two lots in three places, with reversals and late papers, taken in
// before each question; every answer is compared with one pass over all lines.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "inventory-svc/domain/lot_tracer.h"
#include "inventory-svc/domain/stock_ledger.h"
#include "inventory-svc/storage/history_rows.h"
#include "inventory-svc/storage/history_writer.h"
#include "inventory-svc/storage/mysql_lot_history.h"
#include "inventory-svc/storage/mysql_stock_history.h"
#include "inventory-svc/storage/mysql_stock_store.h"
#include "platform/records/sealer.h"
#include "platform/telemetry/metrics.h"
#include "tests/harness/invariants.h"
#include "tests/harness/ledger_database.h"
#include "tests/harness/ledger_world.h"
#include "tests/storage/history_turns.h"

namespace quartermaster::inventory {
namespace {

using ::testing::IsEmpty;

absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

class LotHistoryTest : public ::testing::Test {
 protected:
  LotHistoryTest()
      : pool_(EmptyLedgerDatabase()),
        store_(pool_),
        ledger_(store_, world_.units(), world_.items(), clock_, uuids_),
        sealer_(pool_, clock_, sealer_uuids_, {}, metrics_),
        writer_(pool_, clock_,
                {.settle_time = absl::Microseconds(1), .close_interval = absl::ZeroDuration()}),
        history_(pool_, pool_),
        lots_(pool_) {}

  void TearDown() override { EXPECT_THAT(testing::FindBookViolations(pool_), IsEmpty()); }

  int Below(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }

  void PostSomething() {
    const std::vector<const char*> places = {kDepot, kShelf, kRoom};
    const char* place = places[static_cast<size_t>(Below(3))];
    const char* lot = Below(2) == 0 ? kMasks : kOtherMasks;
    absl::StatusOr<Movement> posted;
    if (Below(6) == 0 && !movements_.empty()) {
      posted = ledger_.ReverseMovement(
          CallBy(),
          {.movement_id =
               movements_[static_cast<size_t>(Below(static_cast<int>(movements_.size())))],
           .note = "n",
           .request_id = RequestId(++request_count_)});
    } else {
      PostMovementCommand command = Below(2) == 0
                                        ? AReceipt(1 + Below(50), ++request_count_, place, lot)
                                        : AConsumption(1 + Below(20), ++request_count_, place, lot);
      // Both ends of a line, and other lots' lines beside.
      if (Below(3) == 0) {
        MovementLine line = command.lines[0];
        line.lot = kMasks;
        line.source.location = line.destination.location = kRoom;
        command.lines.push_back(line);
      }
      command.occurred_time = clock_.Now() - absl::Hours(Below(3) == 0 ? Below(5000) : 0);
      posted = ledger_.PostMovement(CallBy(), command);
    }
    if (posted.ok()) movements_.push_back(posted->movement_id);
    clock_.Advance(absl::Minutes(Below(300)));
  }

  void CatchUp() {
    clock_.Advance(absl::Seconds(1));
    SealAndTakeIn(sealer_, writer_);
  }

  mysql::Rows Query(const std::string& sql) { return QueryRows(pool_, sql); }

  // Every movement that a trace tells of, read page by page.
  std::vector<base::Uuid> Movements(LotMovementQuery query, const Moment& moment) {
    std::vector<base::Uuid> ids;
    do {
      const auto page = lots_.ListMovements(Soon(), query, moment);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_LE(page->movements.size(), static_cast<size_t>(query.limit));
      for (const Movement& movement : page->movements) ids.push_back(movement.movement_id);
      query.after_sequence = page->next_after;
    } while (query.after_sequence.has_value());
    return ids;
  }

  // The same by a pass over all lines.
  std::vector<base::Uuid> AllMovements(LotId lot, const std::string& units, const Moment& moment,
                                       bool is_newest_first) {
    std::vector<base::Uuid> ids;
    for (const mysql::Row row : Query(absl::StrCat(
             "SELECT r.record_id FROM records r WHERE ", *WithinMoment("r", moment),
             " AND EXISTS (SELECT 1 FROM movement_lines l JOIN balances b ON b.balance_id IN "
             "(l.source_balance_id, l.destination_balance_id) WHERE l.movement_id = r.record_id "
             "AND l.lot_id = ",
             ToNumber(lot), " AND b.unit_id IN (", units, ")) ORDER BY r.sequence ",
             is_newest_first ? "DESC" : "ASC"))) {
      ids.push_back(*base::Uuid::FromBytes(row.String(0)));
    }
    return ids;
  }

  std::mt19937_64 random_{20200123};
  LedgerWorld world_;
  mysql::Pool& pool_;
  ManualClock clock_;
  CountingUuids uuids_{clock_, 1};
  MysqlStockStore store_;
  StockLedger ledger_;
  telemetry::Metrics metrics_{"test"};
  CountingUuids sealer_uuids_{clock_, 9'000'000};
  records::Sealer sealer_;
  HistoryWriter writer_;
  MysqlStockHistory history_;
  MysqlLotHistory lots_;
  std::vector<base::Uuid> movements_;
  uint64_t request_count_ = 0;
};

TEST_F(LotHistoryTest, TellsAllOfTheStoryInOrderByPagesOfAnySize) {
  const UnitId east = *world_.units().tree()->Find("units/east");
  const UnitId west = *world_.units().tree()->Find("units/west");
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 40; ++i) PostSomething();
    CatchUp();
    for (const bool has_occurred : {false, true}) {
      AsOf as_of;
      if (has_occurred) as_of.occurred_time = clock_.Now() - absl::Hours(Below(2000));
      const auto moment = history_.FindMoment(Soon(), as_of);
      ASSERT_TRUE(moment.ok()) << moment.status();
      for (const std::vector<UnitId>& units :
           std::vector<std::vector<UnitId>>{{east}, {west}, {east, west}, {}}) {
        std::string list = "0";
        for (const UnitId unit : units) absl::StrAppend(&list, ",", ToNumber(unit));
        for (const bool is_newest_first : {false, true}) {
          const auto expected = AllMovements(kMasksId, list, *moment, is_newest_first);
          for (const int limit : {1, 7, 1000}) {
            ASSERT_EQ(Movements({.lot = kMasksId,
                                 .units = units,
                                 .is_newest_first = is_newest_first,
                                 .limit = limit},
                                *moment),
                      expected)
                << list << " " << limit << " " << is_newest_first << " " << has_occurred;
          }
          EXPECT_EQ(expected.empty(), units.empty());
        }
      }
      const auto balances = lots_.ListBalances(Soon(), kMasksId, {east, west}, *moment);
      ASSERT_TRUE(balances.ok()) << balances.status();
      EXPECT_EQ(SumLot(*balances).elsewhere, 0);
      EXPECT_GT(SumLot(*balances).received, 0);
    }
  }
  const auto now = history_.FindMoment(Soon(), AsOf());
  const auto balances = lots_.ListBalances(Soon(), kMasksId, {east, west}, *now);
  std::map<int64_t, int64_t> held;
  for (const BalanceRow& row : *balances) held[ToNumber(row.id)] = row.quantity;
  for (const mysql::Row row :
       Query("SELECT balance_id, quantity FROM balances WHERE lot_id = 1 AND quantity <> 0")) {
    EXPECT_EQ(held[row.Int64(0)], row.Int64(1));
  }
}

// Goal: more accounts than one statement asks do not hide each other's movements.
TEST_F(LotHistoryTest, WalksManyAccountsInParts) {
  // Accounts of transfers that came and went, before the ones in use.
  Query(
      "INSERT INTO balances (location_id, state, holder, lot_id, unit_id, item_id) SELECT 4, 4, "
      "UNHEX(LPAD(HEX(seq), 32, '0')), 1, 3, 1 FROM seq_1_to_130");
  for (int i = 0; i < 60; ++i) PostSomething();
  CatchUp();
  const auto moment = history_.FindMoment(Soon(), AsOf());
  const std::vector<UnitId> units = {*world_.units().tree()->Find("units/east"),
                                     *world_.units().tree()->Find("units/west")};
  const std::string list = absl::StrCat(ToNumber(units[0]), ",", ToNumber(units[1]));

  for (const bool is_newest_first : {false, true}) {
    for (const int limit : {1, 3, 100}) {
      EXPECT_EQ(
          Movements(
              {.lot = kMasksId, .units = units, .is_newest_first = is_newest_first, .limit = limit},
              *moment),
          AllMovements(kMasksId, list, *moment, is_newest_first));
    }
  }
}

TEST_F(LotHistoryTest, ReadsByItsIndexes) {
  for (int i = 0; i < 120; ++i) PostSomething();
  // Of small tables all plans are alike.
  Query(
      "INSERT INTO balances (location_id, state, holder, lot_id, unit_id, item_id) SELECT 4, 4, "
      "UNHEX(LPAD(HEX(seq), 32, '0')), 2, 3, 1 FROM seq_1_to_3000");
  CatchUp();
  Query("ANALYZE TABLE balances, balance_lines, records");
  const UnitId east = *world_.units().tree()->Find("units/east");
  const auto moment = history_.FindMoment(Soon(), AsOf());
  const LotMovementQuery query{.lot = kMasksId, .units = {east}, .after_sequence = 40};
  const std::vector<int64_t> ids = {1, 2, 3};

  struct Expected {
    std::string sql;
    std::string index;
    std::vector<std::string> kinds;
    int row_count;
  };
  const std::vector<Expected> statements = {
      {LotBalancesStatement(kMasksId, {east}), "ix_balances_lot_unit", {"ref", "range"}, 1},
      {*NextRecordsStatement(ids, query, *moment, std::nullopt, 10), "PRIMARY", {"range"}, 3},
      {*NextRecordsStatement(ids, query, *moment, 50, 10), "PRIMARY", {"range"}, 3},
      {MovementsOfRecordsStatement({3, 5, 70}), "uk_records_sequence", {"range"}, 1}};
  for (const auto& [sql, index, kinds, row_count] : statements) {
    int dive_count = 0;
    for (const mysql::Row row : Query("EXPLAIN " + sql)) {
      if (row.IsNull(2) || absl::StartsWith(row.String(2), "<union")) continue;
      EXPECT_THAT(kinds, ::testing::Contains(row.String(3))) << sql;
      EXPECT_EQ(row.String(5), index) << sql;
      ++dive_count;
    }
    EXPECT_EQ(dive_count, row_count) << sql;
  }
}

}  // namespace
}  // namespace quartermaster::inventory
