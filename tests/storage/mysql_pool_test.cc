// How connections are shared: who waits, who comes first, and what is not handed out again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/mysql/pool.h"
#include "platform/mysql/transaction.h"
#include "platform/status/error.h"
#include "tests/harness/database.h"
#include "tests/harness/mariadb_server.h"

namespace quartermaster::mysql {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::Time Soon() { return absl::Now() + absl::Seconds(10); }

PoolOptions OfSize(int size) { return {.connection = testing::FixtureServer(), .size_max = size}; }

TEST(MysqlPoolTest, SetsUpEveryConnectionItOpens) {
  Pool pool(OfSize(5));
  std::vector<Lease> leases;
  std::vector<std::string> isolations;

  for (int i = 0; i < 5; ++i) {
    leases.push_back(*pool.Acquire(Soon()));
    isolations.push_back((*leases.back()->Query("SELECT @@tx_isolation"))[0].String(0));
  }

  EXPECT_THAT(isolations, ElementsAre("READ-COMMITTED", "READ-COMMITTED", "READ-COMMITTED",
                                      "READ-COMMITTED", "READ-COMMITTED"));
}

TEST(MysqlPoolTest, NeverLendsMoreThanItsSize) {
  Pool pool(OfSize(2));
  Lease first = *pool.Acquire(Soon());
  const int64_t first_session = first->session_id();
  const Lease second = *pool.Acquire(Soon());
  const absl::Time begin = absl::Now();

  const absl::Status third = pool.Acquire(begin + absl::Milliseconds(100)).status();

  EXPECT_TRUE(absl::IsResourceExhausted(third)) << third;
  EXPECT_EQ(status::GetReason(third), "OVERLOADED");
  EXPECT_GT(status::GetErrorDetail(third).retry_after, absl::ZeroDuration());
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(100));
  EXPECT_EQ(pool.waiting_count(), 0);
  // Whoever gave up lost nobody's place.
  { const Lease gone = std::move(first); }
  EXPECT_EQ(pool.leased_count(), 1);
  const absl::StatusOr<Lease> again = pool.Acquire(Soon());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ((*again)->session_id(), first_session);
}

TEST(MysqlPoolTest, ServesWaitersInTheOrderTheyCame) {
  Pool pool(OfSize(1));
  std::optional<Lease> held = *pool.Acquire(Soon());
  base::Mutex mutex;
  std::vector<int> order;
  std::vector<std::thread> waiters;
  for (int i = 0; i < 6; ++i) {
    waiters.emplace_back([&, i] {
      const DatabaseThread thread;
      const absl::StatusOr<Lease> lease = pool.Acquire(Soon());
      base::MutexLock lock(&mutex);
      if (lease.ok()) order.push_back(i);
    });
    ASSERT_TRUE(testing::WaitUntil(Soon(), [&] { return pool.waiting_count() == i + 1; }));
  }

  held.reset();
  for (std::thread& waiter : waiters) waiter.join();

  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(pool.leased_count(), 0);
}

TEST(MysqlPoolTest, DoesNotLendABrokenConnectionAgain) {
  Pool pool(OfSize(1));
  int64_t broken = 0;
  {
    const Lease lease = *pool.Acquire(Soon());
    broken = lease->session_id();
    const auto killer = pool.OpenFresh(absl::Seconds(5));
    ASSERT_TRUE((*killer)->Execute(absl::StrCat("KILL CONNECTION ", broken)).ok());
    EXPECT_FALSE(lease->Query("SELECT 1").ok());
  }

  const Lease lease = *pool.Acquire(Soon());

  EXPECT_NE(lease->session_id(), broken);
  EXPECT_TRUE(lease->Query("SELECT 1").ok());
}

TEST(MysqlPoolTest, AsksAConnectionThatWasIdleForLongWhetherItLives) {
  PoolOptions options = OfSize(1);
  options.ping_after_idle = absl::ZeroDuration();
  Pool pool(options);
  const int64_t idle = (*pool.Acquire(Soon()))->session_id();
  const auto killer = pool.OpenFresh(absl::Seconds(5));
  ASSERT_TRUE((*killer)->Execute(absl::StrCat("KILL CONNECTION ", idle)).ok());

  const Lease lease = *pool.Acquire(Soon());

  EXPECT_NE(lease->session_id(), idle);
  EXPECT_TRUE(lease->Query("SELECT 1").ok());
}

// The body throws, which nothing of ours does, but a library that it calls may.
TEST(MysqlPoolTest, DoesNotLendAConnectionWithATransactionOpen) {
  Pool pool(OfSize(1));
  int64_t abandoned = 0;
  const auto abandon = [&](Connection& connection) -> absl::Status {
    abandoned = connection.session_id();
    connection.Execute("DO 1").IgnoreError();
    throw std::runtime_error("no way out");
  };
  EXPECT_THROW(InTransaction(pool, Soon(), abandon).IgnoreError(), std::runtime_error);

  const Lease lease = *pool.Acquire(Soon());

  EXPECT_NE(lease->session_id(), abandoned);
}

TEST(MysqlPoolTest, GivesThePlaceBackWhenNoConnectionCanBeOpened) {
  PoolOptions options = OfSize(1);
  options.connection.unix_socket = "/nonexistent/s";
  Pool pool(options);

  for (int i = 0; i < 3; ++i) EXPECT_TRUE(absl::IsUnavailable(pool.Acquire(Soon()).status()));

  EXPECT_EQ(pool.leased_count(), 0);
  EXPECT_TRUE(absl::IsUnavailable(pool.JudgeDurability().status()));
}

// Each variable that the promise rests on, changed while the server runs and a connection is open:
// the pool says so once its last judgment is too old, and again when all is well.
TEST(MysqlPoolTest, ReportsAServerThatMayLoseWrites) {
  const auto server = testing::MariaDbServer::Start();
  ASSERT_TRUE(server.ok()) << server.status();
  const ConnectionOptions options = (*server)->connection_options();
  const auto admin = Connection::Open(options);
  ASSERT_TRUE(admin.ok()) << admin.status();
  ASSERT_TRUE((*admin)->durability().ok());

  const std::pair<const char*, const char*> changes[] = {
      {"innodb_flush_log_at_trx_commit = 2", "innodb_flush_log_at_trx_commit = 1"},
      {"sync_binlog = 0", "sync_binlog = 1"},
      {"binlog_format = MIXED", "binlog_format = ROW"},
      {"read_only = 1", "read_only = 0"}};
  Pool pool({.connection = options, .size_max = 1, .durability_age_max = absl::ZeroDuration()});
  const Lease open = *pool.Acquire(Soon());
  for (const auto& [bad, good] : changes) {
    ASSERT_TRUE(pool.JudgeDurability()->ok()) << pool.JudgeDurability()->ToString();
    ASSERT_TRUE((*admin)->Execute(absl::StrCat("SET GLOBAL ", bad)).ok());

    const auto report = pool.JudgeDurability();

    ASSERT_TRUE(report.ok()) << report.status();
    const std::string variable(bad, std::string(bad).find(' '));
    EXPECT_FALSE(report->ok()) << bad;
    EXPECT_THAT(report->ToString(), HasSubstr(variable));
    ASSERT_TRUE((*admin)->Execute(absl::StrCat("SET GLOBAL ", good)).ok());
  }
}

TEST(MysqlPoolTest, JudgesDurabilityNoMoreOftenThanItMust) {
  PoolOptions options = OfSize(1);
  options.durability_age_max = absl::Hours(1);
  Pool pool(options);
  const Lease lease = *pool.Acquire(Soon());
  const absl::Time begin = absl::Now();

  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(pool.JudgeDurability()->ok());

  EXPECT_LT(absl::Now() - begin, absl::Seconds(3)) << "it asked each time";
}

}  // namespace
}  // namespace quartermaster::mysql
