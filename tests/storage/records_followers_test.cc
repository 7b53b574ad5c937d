// What a follower sees that applies the records in their sealed order: never goods that were not
// there, whatever the replicas' clocks say.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "inventory-svc/domain/stock_ledger.h"
#include "inventory-svc/storage/mysql_stock_store.h"
#include "platform/records/sealer.h"
#include "platform/telemetry/metrics.h"
#include "tests/harness/invariants.h"
#include "tests/harness/ledger_database.h"
#include "tests/harness/ledger_world.h"

namespace quartermaster::inventory {
namespace {

using ::testing::IsEmpty;

// The machine's clock, set wrong.
class WrongClock final : public base::Clock {
 public:
  explicit WrongClock(absl::Duration by) : by_(by) {}
  absl::Time Now() const override { return clock_.Now() + by_; }

 private:
  const base::SystemClock clock_;
  const absl::Duration by_;
};

// One replica of the service, with a clock and a sealer of its own.
struct Replica {
  Replica(mysql::Pool& pool, LedgerWorld& world, absl::Duration clock_by, int block_records_max)
      : clock(clock_by),
        store(pool),
        ledger(store, world.units(), world.items(), clock, uuids),
        sealer(pool, clock, uuids,
               {.interval = absl::Milliseconds(1),
                .block_records_max = block_records_max,
                .lease_time = absl::Seconds(1)},
               metrics) {}

  WrongClock clock;
  base::UuidSource uuids{clock};
  telemetry::Metrics metrics{"test"};
  MysqlStockStore store;
  StockLedger ledger;
  records::Sealer sealer;
};

class RecordsFollowersTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_THAT(testing::FindBookViolations(pool_), IsEmpty()); }

  // Applies all sealed movements in their order, and returns where an account that is inside fell
  // below zero. Counts them too.
  std::vector<std::string> FollowAll(int64_t& movement_count) {
    const absl::StatusOr<mysql::Lease> connection = pool_.Acquire(absl::Now() + absl::Seconds(30));
    EXPECT_TRUE(connection.ok()) << connection.status();
    const auto lines = (*connection)
                           ->Query(
                               "SELECT r.sequence, l.source_balance_id, s.state, "
                               "l.destination_balance_id, l.quantity FROM records r JOIN "
                               "movement_lines l ON l.movement_id = r.record_id JOIN balances s ON "
                               "s.balance_id = l.source_balance_id WHERE r.sequence IS NOT NULL "
                               "ORDER BY r.sequence, l.line");
    EXPECT_TRUE(lines.ok()) << lines.status();
    std::map<int64_t, int64_t> held;
    std::vector<std::string> below_zero;
    movement_count = static_cast<int64_t>(lines->size());
    for (const mysql::Row line : *lines) {
      held[line.Int64(3)] += line.Int64(4);
      const int64_t left = held[line.Int64(1)] -= line.Int64(4);
      if (line.Int64(2) < 16 && left < 0) {
        below_zero.push_back(
            absl::StrCat("at ", line.Uint64(0), " balance ", line.Int64(1), " fell to ", left));
      }
    }
    return below_zero;
  }

  mysql::Pool& pool_ = EmptyLedgerDatabase();
  LedgerWorld world_;
};

// What one replica received an hour ahead, another gives out an hour behind: in one block, whose
// order is by record time. By id, or by the clocks, the giving out would come first.
TEST_F(RecordsFollowersTest, GoodsComeBeforeTheyGoWithClocksAnHourApart) {
  Replica ahead(pool_, world_, absl::Hours(1), 1000);
  Replica behind(pool_, world_, absl::ZeroDuration(), 1000);
  for (uint64_t round = 0; round < 20; ++round) {
    ASSERT_TRUE(ahead.ledger.PostMovement(CallBy("ahead"), AReceipt(1, round)).ok());
    ASSERT_TRUE(behind.ledger.PostMovement(CallBy("behind"), AConsumption(1, round)).ok());
  }

  ASSERT_EQ(*behind.sealer.TakeTurn(), 40);

  int64_t movement_count = 0;
  EXPECT_THAT(FollowAll(movement_count), IsEmpty());
  EXPECT_EQ(movement_count, 40);
}

// The same under load: both post what the other's goods allow, both would seal, and blocks are so
// small that they cut anywhere.
TEST_F(RecordsFollowersTest, NoCutOfTheOrderEverShowsLessThanNothing) {
  constexpr uint64_t kRounds = 150;
  Replica ahead(pool_, world_, absl::Hours(1), 7);
  Replica behind(pool_, world_, absl::ZeroDuration(), 7);
  ahead.sealer.Start();
  behind.sealer.Start();
  const auto post = [](Replica& replica, const std::string& name) {
    const mysql::DatabaseThread database_thread;
    for (uint64_t round = 0; round < kRounds; ++round) {
      const bool is_receipt = round % 2 == 0;
      const auto posted = replica.ledger.PostMovement(
          CallBy(name), is_receipt ? AReceipt(2, round) : AConsumption(2, round));
      // Nothing is there, now and then, when the other was quicker.
      EXPECT_TRUE(posted.ok() || !is_receipt) << posted.status();
    }
  };
  std::thread first([&] { post(ahead, "ahead"); });
  std::thread second([&] { post(behind, "behind"); });
  first.join();
  second.join();

  const absl::Time until = absl::Now() + absl::Seconds(30);
  const auto is_all_sealed = [&] {
    const auto connection = pool_.Acquire(until);
    const auto rows = (*connection)->Query("SELECT COUNT(*) FROM records WHERE sequence IS NULL");
    return rows.ok() && (*rows)[0].Int64(0) == 0;
  };
  while (!is_all_sealed() && absl::Now() < until) absl::SleepFor(absl::Milliseconds(5));

  int64_t movement_count = 0;
  EXPECT_THAT(FollowAll(movement_count), IsEmpty());
  EXPECT_GE(movement_count, static_cast<int64_t>(kRounds));
}

}  // namespace
}  // namespace quartermaster::inventory
