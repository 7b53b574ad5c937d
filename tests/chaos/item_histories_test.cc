// Goal: whatever is killed or held still, and whenever, each item's history is linearizable: one
// ledger that does one thing at a time could have given every answer, to all clerks together.
// Method: the real programs as processes, two replicas of inventory-svc among them; clerks fight
// for the last pieces of few items, send them to each other and sign for them, some through the
// gateway by gRPC, by JSON, or by either in turn, some at both replicas in turn, and take down what
// they asked and were told, with the times of both on one steady clock. Under that
// load programs are killed with SIGKILL and started again, or stopped and continued after longer
// than any clerk waits and any lease lasts. What stays open is asked again in the end; then the
// search of tests/history decides, and the sums are checked besides.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/mysql/pool.h"
#include "tests/chaos/world.h"
#include "tests/harness/invariants.h"
#include "tests/harness/stack.h"
#include "tests/history/linearizability.h"
#include "tests/history/stock_clerk.h"

namespace quartermaster::testing {
namespace {

using ::testing::Each;
using ::testing::Gt;
using ::testing::IsEmpty;

// Half of them come through the gateway, half to the replicas directly.
constexpr int kClerkCount = 8;
// What one round makes at most, so that its check takes seconds: items, and operations on each.
constexpr int kItemCount = 12;
constexpr size_t kOperationsPerItemMax = 1500;
constexpr int64_t kAnswersBetweenFaults = 400;
// Longer than a clerk waits for an answer and than the sealer's lease lasts.
constexpr absl::Duration kPause = absl::Milliseconds(2500);
constexpr absl::Duration kAttemptMax = absl::Seconds(1);
constexpr char kLeaseTime[] = "1s";
constexpr absl::Duration kRecoveryMax = absl::Seconds(30);

constexpr char kSystems[] = R"({
  "spiffe://quartermaster/systems/province-demo": {
    "name": "systems/province-demo",
    "grants": [{"role": "approver", "unit": "units/city"},
               {"role": "unit-quartermaster", "unit": "units/city"}]
  }
})";

class ItemHistoriesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto stack = Stack::Start({.systems_json = kSystems, .inventory_settings = Settings()});
    ASSERT_TRUE(stack.ok()) << stack.status();
    stack_ = std::move(*stack).release();
    const auto token = stack_->MakeToken("founder", {"administrator@units/city"});
    ASSERT_TRUE(token.ok()) << token.status();
    founder_token_ = *token;
    const absl::Status made = MakeCity(stack_->ConnectToGateway(), founder_token_);
    ASSERT_TRUE(made.ok()) << made;
    ASSERT_TRUE(StartReplica().ok());
  }
  static void TearDownTestSuite() {
    replica_.reset();
    delete stack_;
  }

  void TearDown() override {
    const mysql::DatabaseThread database_thread;
    mysql::ConnectionOptions options = stack_->database().connection_options();
    options.database = "quartermaster_inventory";
    mysql::Pool pool({.connection = options, .size_max = 1});
    EXPECT_THAT(FindBookViolations(pool), IsEmpty());
  }

  static std::map<std::string, std::string> Settings() {
    return {{"QM_INVENTORY_SEALER_LEASE_TIME", kLeaseTime}};
  }

  // Where the one before was, if there was one.
  static absl::Status StartReplica() {
    std::map<std::string, std::string> settings = Settings();
    if (replica_.has_value()) settings["QM_INVENTORY_RPC_ADDRESS"] = replica_->address;
    replica_.reset();
    auto replica = stack_->StartReplica("replica", settings);
    if (replica.ok()) replica_.emplace(*std::move(replica));
    return replica.status();
  }

  // Persons come through the gateway, every other one by gRPC and JSON in turn, the rest by one of
  // them; systems come to both replicas in turn.
  static bool IsPerson(int clerk) { return clerk % 2 == 0; }
  static std::string SubjectOf(int clerk) { return absl::StrCat("stock-clerk-", clerk); }
  static std::string CallerOf(int clerk) {
    return IsPerson(clerk) ? absl::StrCat("persons/", SubjectOf(clerk)) : "systems/province-demo";
  }

  static std::vector<std::unique_ptr<StockDoor>> DoorsOf(int clerk) {
    std::vector<std::unique_ptr<StockDoor>> doors;
    if (!IsPerson(clerk)) {
      for (const std::string& address : {stack_->inventory_address(), replica_->address}) {
        doors.push_back(MakeGrpcDoor(stack_->ConnectToInventoryAt(address, "province-demo"),
                                     [](grpc::ClientContext&) {}));
      }
      return doors;
    }
    const auto token = stack_->MakeToken(SubjectOf(clerk),
                                         {"approver@units/city", "unit-quartermaster@units/city"});
    EXPECT_TRUE(token.ok()) << token.status();
    const bool has_grpc = clerk % 8 != 2;
    const bool has_json = clerk % 8 != 6;
    if (has_grpc) {
      doors.push_back(
          MakeGrpcDoor(stack_->ConnectToGateway(),
                       [bearer = absl::StrCat("Bearer ", *token)](grpc::ClientContext& context) {
                         context.AddMetadata("authorization", bearer);
                       }));
    }
    if (has_json) doors.push_back(MakeJsonDoor(stack_->gateway_http_address(), *token));
    return doors;
  }

  void MakeRound() {
    static int round_count = 0;
    ++round_count;
    // What they have in hand is the items'.
    clerks_.clear();
    items_.items.clear();
    std::vector<std::string> ids;
    for (int i = 0; i < kItemCount; ++i) {
      ids.push_back(absl::StrCat("stock-", round_count, "-", i));
      items_.items.push_back(std::make_unique<StockItem>(
          "items/" + ids.back(), std::array<std::string, kPlaceCount>{kDepot, kShelf},
          kOperationsPerItemMax));
    }
    const absl::Status made = MakeItems(stack_->ConnectToGateway(), founder_token_, ids);
    ASSERT_TRUE(made.ok()) << made;
    for (int i = 0; i < kClerkCount; ++i) {
      clerks_.push_back(std::make_unique<StockClerk>(
          StockClerk::Options{.name = absl::StrCat(IsPerson(i) ? "person-" : "system-", i),
                              .caller = CallerOf(i),
                              .attempt_max = kAttemptMax,
                              .seed = static_cast<uint64_t>(100 * round_count + i)},
          DoorsOf(i), kCity, items_));
    }
  }

  int64_t AnswerCount() const {
    int64_t count = 0;
    for (const auto& clerk : clerks_) count += clerk->answer_count();
    return count;
  }

  // Lets the clerks work while the faults come, each when answers come again after the one before.
  void WorkUnder(const std::vector<std::function<absl::Status()>>& faults) {
    ASSERT_NO_FATAL_FAILURE(MakeRound());
    std::atomic<bool> stop = false;
    std::vector<std::thread> threads;
    for (const auto& clerk : clerks_) threads.emplace_back([&] { clerk->Work(stop); });
    const auto await_answers = [&] {
      const int64_t wanted = AnswerCount() + kAnswersBetweenFaults;
      EXPECT_TRUE(WaitUntil(absl::Now() + kRecoveryMax, [&] { return AnswerCount() >= wanted; }))
          << "no answers any more, or all items are full";
    };
    await_answers();
    for (const auto& fault : faults) {
      const absl::Status done = fault();
      EXPECT_TRUE(done.ok()) << done;
      await_answers();
    }
    stop = true;
    for (std::thread& thread : threads) thread.join();
    Settle();
    CheckHistories();
  }

  void Settle() {
    const absl::Time deadline = absl::Now() + kRecoveryMax;
    int64_t late_count = 0;
    int64_t received_count = 0;
    int64_t resolved_count = 0;
    int64_t outrun_count = 0;
    std::map<std::string, int64_t> troubles;
    for (const auto& clerk : clerks_) {
      EXPECT_TRUE(clerk->Settle(deadline)) << "something is still open";
      EXPECT_THAT(clerk->surprises(), IsEmpty());
      EXPECT_THAT(clerk->answers_by_door(), Each(Gt(0)));
      late_count += clerk->late_answer_count();
      received_count += clerk->received_count();
      resolved_count += clerk->resolved_count();
      outrun_count += clerk->outrun_count();
      for (const auto& [trouble, count] : clerk->troubles()) troubles[trouble] += count;
    }
    for (const auto& item : items_.items) EXPECT_TRUE(clerks_[0]->Read(*item, deadline));
    EXPECT_GT(received_count, 0);
    std::cout << AnswerCount() << " answers, " << late_count << " of them to a repetition; "
              << received_count << " transfers were received, " << resolved_count
              << " of them in part and then the rest; " << outrun_count
              << " times another had been faster\n";
    for (const auto& [trouble, count] : troubles) std::cout << count << " x " << trouble << "\n";
  }

  void CheckHistories() {
    const absl::Time begin = absl::Now();
    size_t operation_count = 0;
    size_t ways_max = 0;
    for (const auto& item : items_.items) {
      const ItemHistory history = item->recorder().history();
      const auto verdict = CheckLinearizable(history);
      ASSERT_TRUE(verdict.ok()) << item->name() << ": " << verdict.status();
      EXPECT_TRUE(verdict->is_linearizable) << verdict->counterexample;
      operation_count += history.operations.size();
      ways_max = std::max(ways_max, verdict->ways_max);
    }
    std::cout << operation_count << " operations checked in "
              << absl::FormatDuration(absl::Now() - begin) << "; an answer had " << ways_max
              << " explanations at most\n";
  }

  static absl::Status KillInventory() {
    stack_->inventory().Kill();
    return stack_->StartInventory();
  }
  static absl::Status KillReplica() {
    replica_->process.Kill();
    return StartReplica();
  }
  static absl::Status KillGateway() {
    stack_->gateway().Kill();
    return stack_->StartGateway();
  }
  static absl::Status KillDatabase() {
    stack_->database().Kill9();
    return stack_->database().Restart();
  }
  static absl::Status PauseProcess(Process& process) {
    process.Signal(SIGSTOP);
    WaitUntil(absl::Now() + kPause, [] { return false; });
    process.Signal(SIGCONT);
    return absl::OkStatus();
  }
  static absl::Status PauseInventory() { return PauseProcess(stack_->inventory()); }
  static absl::Status PauseReplica() { return PauseProcess(replica_->process); }
  static absl::Status PauseGateway() { return PauseProcess(stack_->gateway()); }
  static absl::Status PauseDatabase() {
    stack_->database().Pause();
    WaitUntil(absl::Now() + kPause, [] { return false; });
    stack_->database().Resume();
    return absl::OkStatus();
  }

  inline static Stack* stack_ = nullptr;
  inline static std::optional<Stack::Replica> replica_;
  inline static std::string founder_token_;
  StockItems items_;
  std::vector<std::unique_ptr<StockClerk>> clerks_;
};

TEST_F(ItemHistoriesTest, AreLinearizableWhileTheServiceIsKilled) {
  WorkUnder({KillInventory, KillReplica, KillInventory, KillReplica, KillReplica, KillInventory});
}

TEST_F(ItemHistoriesTest, AreLinearizableWhileTheGatewayIsKilled) {
  WorkUnder({KillGateway, KillGateway, KillGateway, KillGateway, KillGateway});
}

TEST_F(ItemHistoriesTest, AreLinearizableWhileTheDatabaseIsKilled) {
  WorkUnder({KillDatabase, KillDatabase, KillDatabase, KillDatabase});
}

TEST_F(ItemHistoriesTest, AreLinearizableWhileProgramsStandStill) {
  WorkUnder({PauseInventory, PauseReplica, PauseGateway});
}

TEST_F(ItemHistoriesTest, AreLinearizableWhileTheDatabaseStandsStill) {
  WorkUnder({PauseDatabase, PauseDatabase});
}

// Rounds of faults drawn at random: one in the chaos stage, and as many as fit into
// QM_HISTORY_MINUTES in the drill `history`.
TEST_F(ItemHistoriesTest, AreLinearizableWhateverComes) {
  const char* const told = std::getenv("QM_HISTORY_MINUTES");
  double minutes = 0;
  ASSERT_TRUE(told == nullptr || absl::SimpleAtod(told, &minutes)) << told;
  const absl::Time end = absl::Now() + absl::Minutes(minutes);
  const std::vector<std::function<absl::Status()>> faults = {
      KillInventory,  KillReplica,  KillGateway,  KillDatabase,
      PauseInventory, PauseReplica, PauseGateway, PauseDatabase};
  const uint64_t seed =
      told == nullptr ? 1 : static_cast<uint64_t>(absl::ToUnixSeconds(absl::Now()));
  std::cout << "seed of the faults: " << seed << "\n";
  std::mt19937_64 random(seed);
  do {
    std::vector<std::function<absl::Status()>> drawn;
    for (int i = 0; i < 5; ++i) drawn.push_back(faults[random() % faults.size()]);
    WorkUnder(drawn);
  } while (absl::Now() < end && !HasFailure());
}

}  // namespace
}  // namespace quartermaster::testing
