// What ten thousand who follow the feed cost: memory, threads, connections to the database, and the
// time until all of them have heard of one write. The server is in this process, the followers in
// another. Prints the figures; fails only if a stream is lost.

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "inventory_migrations.h"
#include "platform/base/uuid.h"
#include "platform/records/record_rows.h"
#include "tests/harness/database.h"
#include "tests/harness/inventory_server.h"
#include "tests/harness/process.h"

namespace quartermaster::testing {
namespace {

constexpr int kWatchers = 10'000;

// A number of /proc/self/status, for instance `VmRSS:`.
int64_t ReadStatus(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    std::istringstream words(line);
    std::string key;
    int64_t value = 0;
    if (words >> key >> value && key == name) return value;
  }
  return 0;
}

double Metric(InventoryServer& server, const std::string& name) {
  const std::string metrics = server.metrics().Render();
  const size_t at = metrics.find("\n" + name + " ");
  double value = -1;
  if (at == std::string::npos) return value;
  const size_t begin = at + name.size() + 2;
  EXPECT_TRUE(absl::SimpleAtod(metrics.substr(begin, metrics.find('\n', begin) - begin), &value));
  return value;
}

template <typename F>
bool Eventually(F holds, absl::Duration within) {
  const absl::Time until = absl::Now() + within;
  while (absl::Now() < until) {
    if (holds()) return true;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return false;
}

TEST(FeedMemoryTest, ReportsWhatTenThousandWatchersCost) {
  TestDatabase& database = SharedDatabase(InventoryMigrations());
  database.ClearTables();
  InventoryServer::Options options;
  options.seals = true;
  options.server.memory_bytes_max = int64_t{2} << 30;
  options.inventory.feed.watchers_max = kWatchers;
  options.inventory.feed.watchers_per_caller_max = kWatchers;
  options.inventory.feed.watch_time_max = absl::Hours(1);
  const std::unique_ptr<InventoryServer> server = InventoryServer::Start(database, options);
  server->authenticator().Grant("persons/reader", "units/city", {"records.watch"});
  const base::SystemClock clock;
  base::UuidSource uuids(clock);
  const auto append = [&] {
    const mysql::Statement statement =
        records::InsertRecords({{.record_id = uuids.Next(),
                                 .record_time = clock.Now(),
                                 .occurred_time = clock.Now(),
                                 .caller = "persons/clerk",
                                 .method = "quartermaster.inventory.v1.Catalog/CreateItem",
                                 .resource = "items/mask",
                                 .request_id = uuids.Next()}});
    const auto connection = database.pool().Acquire(absl::Now() + absl::Seconds(10));
    ASSERT_TRUE((*connection)->Execute(statement.sql, statement.params).ok());
  };
  append();
  const int64_t memory_before = ReadStatus("VmRSS:");
  const int64_t threads_before = ReadStatus("Threads:");

  auto followers =
      Process::Start({.program = QM_FEED_WATCHERS,
                      .arguments = {server->address(), absl::StrCat(kWatchers), "persons/reader"}});
  ASSERT_TRUE(followers.ok()) << followers.status();
  const absl::Time joining = absl::Now();
  ASSERT_TRUE(
      Eventually([&] { return Metric(*server, "qm_inventory_feed_watchers_count") == kWatchers; },
                 absl::Minutes(3)));
  const absl::Duration joined = absl::Now() - joining;
  // All have been sent what there is, and wait at the head.
  const auto all_wait_at_head = [&] {
    return Metric(*server, "qm_inventory_feed_waiting_count") == kWatchers &&
           Metric(*server, "qm_inventory_feed_records_behind_count") == 0;
  };
  ASSERT_TRUE(Eventually(all_wait_at_head, absl::Minutes(1)));
  const int64_t memory_waiting = ReadStatus("VmRSS:");
  const int64_t threads_waiting = ReadStatus("Threads:");

  const double sequence = Metric(*server, "qm_inventory_feed_sequence_count");
  const absl::Time written = absl::Now();
  append();
  ASSERT_TRUE(Eventually(
      [&] {
        return Metric(*server, "qm_inventory_feed_sequence_count") > sequence && all_wait_at_head();
      },
      absl::Minutes(1)));
  const absl::Duration heard = absl::Now() - written;

  std::printf("watchers: %d\n", kWatchers);
  std::printf("resident memory before / waiting: %.1f / %.1f MiB, a watcher %.1f KiB\n",
              memory_before / 1024.0, memory_waiting / 1024.0,
              static_cast<double>(memory_waiting - memory_before) / kWatchers);
  std::printf("threads before / waiting: %lld / %lld\n", static_cast<long long>(threads_before),
              static_cast<long long>(threads_waiting));
  std::printf("all joined after %.1f s; one write with all of them in %.3f s\n",
              absl::ToDoubleSeconds(joined), absl::ToDoubleSeconds(heard));
  EXPECT_EQ(Metric(*server, "qm_inventory_feed_watchers_count"), kWatchers);
  EXPECT_LT(threads_waiting - threads_before, 100);
}

}  // namespace
}  // namespace quartermaster::testing
