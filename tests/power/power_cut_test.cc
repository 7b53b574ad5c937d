// Goal: every acknowledged movement is in the books exactly once, also when the machine under the
// database loses its power, and with it all that was written and not synced. Method: MariaDB keeps
// its data on a disk that loses just that (power_disk.h); clerks post through the real gateway and
// service and keep their own record of what they asked and were told. At moments drawn from a seed
// the database is killed and its disk loses what it may lose, all of it or a part; it recovers on
// what is left, the clerks go on, and after each cut the records are compared with the tables. The
// controls are servers that sync too little: the same comparison must find what they lost.
//
// QM_POWER_CUTS and QM_POWER_SEED say how often and from which seed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "platform/mysql/connection.h"
#include "platform/mysql/pool.h"
#include "tests/chaos/clerk.h"
#include "tests/chaos/world.h"
#include "tests/harness/checker/check.h"
#include "tests/harness/stack.h"
#include "tests/power/power_disk.h"

namespace quartermaster::testing {
namespace {

using ::grpc::health::v1::HealthCheckResponse;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kClerkCount = 6;
// What must be acknowledged before a cut, from and to: it comes in the middle of the work, and soon
// enough after a start to meet the database while it is still busy with it.
constexpr int64_t kAcknowledgedMin = 20;
constexpr int64_t kAcknowledgedMax = 400;
// A cut may come when such a server has just synced: how many it may take to find it out.
constexpr int kControlCutsMax = 40;
constexpr absl::Duration kRecoveryMax = absl::Seconds(60);

uint64_t Setting(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  uint64_t value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

uint64_t Seed() {
  static const uint64_t seed = Setting("QM_POWER_SEED", std::random_device()());
  return seed;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

int CutCount() { return static_cast<int>(Setting("QM_POWER_CUTS", 20)); }

// The stack over a disk whose power can be cut, and clerks at work.
class PowerCutTest : public ::testing::Test {
 protected:
  // `flags` are the database's, beside those of a durable one.
  void Begin(const std::vector<std::string>& flags) {
    std::cout << "seed " << Seed() << "\n";
    auto disk = PowerDisk::Start(Seed());
    ASSERT_TRUE(disk.ok()) << disk.status();
    disk_ = *std::move(disk);
    auto stack = Stack::Start(
        {.database_flags = flags, .database_data_directory = disk_->folder() + "/data"});
    ASSERT_TRUE(stack.ok()) << stack.status();
    stack_ = *std::move(stack);
    const auto token = stack_->MakeToken("founder", {"administrator@units/city"});
    ASSERT_TRUE(token.ok()) << token.status();
    const absl::Status made = MakeCity(stack_->ConnectToGateway(), *token);
    ASSERT_TRUE(made.ok()) << made;
    // The controls are about what is lost later: an orderly end leaves all in the files.
    const absl::Status restarted = stack_->database().Restart();
    ASSERT_TRUE(restarted.ok()) << restarted;
    const absl::Status synced = disk_->SyncAll();
    ASSERT_TRUE(synced.ok()) << synced;
    history_file_ = stack_->directory() + "/history";
    history_ = std::make_unique<HistoryWriter>(history_file_);
    for (int i = 0; i < kClerkCount; ++i) clerks_.push_back(NewClerk(i));
  }

  std::unique_ptr<Clerk> NewClerk(int number) {
    const auto person = [&](const std::string& subject) -> Person {
      const auto token =
          stack_->MakeToken(subject, {"approver@units/city", "unit-quartermaster@units/city"});
      EXPECT_TRUE(token.ok()) << token.status();
      return {.subject = subject, .token = *token};
    };
    return std::make_unique<Clerk>(
        person(absl::StrCat("clerk-", number)), person(absl::StrCat("colleague-", number)),
        stack_->ConnectToGateway(), *history_, Seed() + static_cast<uint64_t>(number));
  }

  int64_t AcknowledgedCount() const {
    int64_t count = 0;
    for (const auto& clerk : clerks_) count += clerk->counts().acknowledged;
    return count;
  }

  void WaitForAcknowledged(int64_t more) {
    const int64_t wanted = AcknowledgedCount() + more;
    EXPECT_TRUE(WaitUntil(absl::Now() + kRecoveryMax, [&] {
      return AcknowledgedCount() >= wanted;
    })) << "nothing was acknowledged any more";
  }

  // What the service says of itself, once it says that.
  bool ServiceSays(HealthCheckResponse::ServingStatus wanted) {
    const auto health = grpc::health::v1::Health::NewStub(stack_->ConnectToInventory("gateway"));
    return WaitUntil(absl::Now() + kRecoveryMax, [&] {
      grpc::ClientContext context;
      context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(5)));
      HealthCheckResponse response;
      return health->Check(&context, {}, &response).ok() && response.status() == wanted;
    });
  }

  // Cuts the power of a database that may be at work, and starts it again.
  void Cut(PowerDisk::Loss loss) {
    // Held still, so that it never sees its disk go: without power it could not answer anybody.
    stack_->database().Pause();
    const auto cut = disk_->Cut(loss);
    ASSERT_TRUE(cut.ok()) << cut.status();
    stack_->database().Kill9();
    lost_count_ += cut->blocks_dropped + cut->changes_undone;
    std::cout << "cut: " << cut->blocks_dropped << " blocks lost and " << cut->blocks_kept
              << " left, " << cut->changes_undone << " names lost and " << cut->changes_kept
              << " left" << std::endl;
    const absl::Status started = stack_->database().Restart();
    ASSERT_TRUE(started.ok()) << started << "\n" << ReadFile(stack_->database().log_file());
  }

  // Cuts the power while the clerks work, and ends their work. If it `goes_on`, they must first be
  // told of successes again; and one time in four the power goes again as soon as it is back.
  void CutUnderLoad(PowerDisk::Loss loss, bool goes_on) {
    std::atomic<bool> stop = false;
    std::vector<std::thread> threads;
    for (const auto& clerk : clerks_) {
      threads.emplace_back([&stop, &clerk] { clerk->Work(stop); });
    }
    WaitForAcknowledged(std::uniform_int_distribution(kAcknowledgedMin, kAcknowledgedMax)(random_));
    Cut(loss);
    if (goes_on && random_() % 4 == 0 && !HasFatalFailure()) Cut(loss);
    if (goes_on && !HasFatalFailure()) WaitForAcknowledged(kAcknowledgedMin);
    stop = true;
    for (std::thread& thread : threads) thread.join();
  }

  // Compares the clerks' records with the books: a sentence for each promise that is broken.
  std::vector<std::string> FindViolations() {
    const mysql::DatabaseThread thread;
    mysql::ConnectionOptions options = stack_->database().connection_options();
    options.database = "quartermaster_inventory";
    mysql::Pool pool({.connection = options, .size_max = 2});
    const auto history = ReadHistory(history_file_);
    if (!history.ok()) return {history.status().ToString()};
    const auto report = CheckHistory(pool, *history);
    if (!report.ok()) return {report.status().ToString()};
    std::cout << report->acknowledged_count << " acknowledged, " << report->refused_count
              << " refused, " << report->open_count << " open of which "
              << report->open_booked_count << " booked; " << report->violations.size()
              << " violations\n";
    std::vector<std::string> violations = report->violations;
    for (const auto& clerk : clerks_) {
      for (const std::string& contradiction : clerk->contradictions()) {
        violations.push_back(contradiction);
      }
    }
    return violations;
  }

  // Cuts the power of a server with these flags until something is lost.
  void ExpectLoss(const std::vector<std::string>& flags) {
    ASSERT_NO_FATAL_FAILURE(Begin(flags));
    // And still posts when it is asked.
    EXPECT_TRUE(ServiceSays(HealthCheckResponse::NOT_SERVING));
    const auto loss = Contains(HasSubstr("was acknowledged and is in the books 0 times"));
    std::vector<std::string> violations;
    for (int i = 0; i < kControlCutsMax && !HasFailure(); ++i) {
      CutUnderLoad(PowerDisk::Loss::kAll, /*goes_on=*/false);
      violations = FindViolations();
      if (::testing::Matches(loss)(violations)) break;
    }
    EXPECT_THAT(violations, loss) << "a server that syncs too little is not found out";
  }

  std::mt19937_64 random_{Seed()};
  std::unique_ptr<PowerDisk> disk_;
  std::unique_ptr<Stack> stack_;
  std::string history_file_;
  std::unique_ptr<HistoryWriter> history_;
  std::vector<std::unique_ptr<Clerk>> clerks_;
  int64_t lost_count_ = 0;
};

TEST_F(PowerCutTest, LosesNothingThatWasAcknowledged) {
  ASSERT_NO_FATAL_FAILURE(Begin({}));
  EXPECT_TRUE(ServiceSays(HealthCheckResponse::SERVING));
  for (int i = 0; i < CutCount() && !HasFailure(); ++i) {
    CutUnderLoad(i % 2 == 0 ? PowerDisk::Loss::kAll : PowerDisk::Loss::kPart, /*goes_on=*/true);
    EXPECT_THAT(FindViolations(), IsEmpty());
  }
  EXPECT_GT(lost_count_, 0) << "the cuts took nothing away";
}

TEST_F(PowerCutTest, FindsOutAServerThatSyncsItsLogOnceASecond) {
  ExpectLoss({"--innodb-flush-log-at-trx-commit=2"});
}

TEST_F(PowerCutTest, FindsOutAServerThatWritesItsLogOnceASecond) {
  ExpectLoss({"--innodb-flush-log-at-trx-commit=0"});
}

TEST_F(PowerCutTest, FindsOutAServerThatDoesNotSyncItsBinaryLog) {
  ExpectLoss({"--sync-binlog=0"});
}

}  // namespace
}  // namespace quartermaster::testing
