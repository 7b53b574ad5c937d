// Goal: whatever is killed or cut, and whenever, every acknowledged movement is in the books
// exactly once, every other one once and whole or not at all, and the stock is conserved. Method:
// the real programs as processes; clerks post through the gateway and keep their own record of what
// they asked and were told, written before each call. Under that load processes are killed with
// SIGKILL and started again, or the link to the database is cut between COMMIT and its answer.
// Afterwards qm-checker, which knows no code of the services, compares the records with the tables.

#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/chaos/clerk.h"
#include "tests/chaos/world.h"
#include "tests/harness/stack.h"
#include "tests/harness/tcp_proxy.h"

namespace quartermaster::testing {
namespace {

constexpr int kClerkCount = 6;
constexpr int kKillCount = 25;
constexpr int kDatabaseKillCount = 10;
constexpr int kKillOfAllCount = 5;
// What must be acknowledged before the first kill and between two of them.
constexpr int64_t kAcknowledgedBetweenKills = 30;
// At least as many as the gateway has to inventory-svc.
constexpr int kConnectionsMax = 6;
constexpr absl::Duration kRecoveryMax = absl::Seconds(20);

absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class ChaosTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto stack = Stack::Start();
    ASSERT_TRUE(stack.ok()) << stack.status();
    stack_ = std::move(*stack).release();
    const auto token = stack_->MakeToken("founder", {"administrator@units/city"});
    ASSERT_TRUE(token.ok()) << token.status();
    const absl::Status made = MakeCity(stack_->ConnectToGateway(), *token);
    ASSERT_TRUE(made.ok()) << made;
  }
  static void TearDownTestSuite() { delete stack_; }

  ChaosTest() {
    for (int i = 0; i < kClerkCount; ++i) clerks_.push_back(NewClerk(i));
  }

  std::unique_ptr<Clerk> NewClerk(int number) {
    return std::make_unique<Clerk>(
        NewPerson(absl::StrCat("clerk-", number)), NewPerson(absl::StrCat("colleague-", number)),
        stack_->ConnectToGateway(), history_, static_cast<uint64_t>(number));
  }

  static Person NewPerson(const std::string& subject) {
    const auto token =
        stack_->MakeToken(subject, {"approver@units/city", "unit-quartermaster@units/city"});
    EXPECT_TRUE(token.ok()) << token.status();
    return {.subject = subject, .token = *token};
  }

  int64_t AcknowledgedCount() const {
    int64_t count = 0;
    for (const auto& clerk : clerks_) count += clerk->counts().acknowledged;
    return count;
  }

  // Lets the clerks work while `kill` is called `kill_count` times, each time after they were told
  // of enough successes: the books are in use when it comes, and came back after the one before.
  void KillUnderLoad(int kill_count, const std::function<absl::Status()>& kill) {
    std::atomic<bool> stop = false;
    std::vector<std::thread> threads;
    for (const auto& clerk : clerks_) {
      threads.emplace_back([&stop, &clerk] { clerk->Work(stop); });
    }
    absl::Duration longest = absl::ZeroDuration();
    const auto wait_for_successes = [&] {
      const absl::Time begin = absl::Now();
      const int64_t before = AcknowledgedCount();
      EXPECT_TRUE(WaitUntil(begin + kRecoveryMax, [&] { return AcknowledgedCount() > before; }))
          << "nothing was acknowledged any more";
      longest = std::max(longest, absl::Now() - begin);
      EXPECT_TRUE(WaitUntil(
          Soon(), [&] { return AcknowledgedCount() >= before + kAcknowledgedBetweenKills; }));
    };
    wait_for_successes();
    for (int i = 0; i < kill_count && !HasFailure(); ++i) {
      const absl::Status killed = kill();
      EXPECT_TRUE(killed.ok()) << killed;
      wait_for_successes();
    }
    stop = true;
    for (std::thread& thread : threads) thread.join();
    std::cout << kill_count << " kills; the longest wait for the first success after one took "
              << absl::FormatDuration(longest) << "\n"
              << Troubles();
  }

  // What clerks were told instead of an answer, one line each.
  std::string Troubles() const {
    std::map<std::string, int64_t> counts;
    for (const auto& clerk : clerks_) {
      for (const auto& [trouble, count] : clerk->troubles()) counts[trouble] += count;
    }
    std::string text;
    for (const auto& [trouble, count] : counts) absl::StrAppend(&text, count, " x ", trouble, "\n");
    return text;
  }

  // Asks the outside checker, and compares what clerks were told twice.
  void CheckBooks() {
    int64_t late_count = 0;
    for (const auto& clerk : clerks_) {
      late_count += clerk->counts().acknowledged_late;
      EXPECT_TRUE(clerk->contradictions().empty()) << clerk->contradictions()[0];
    }
    const std::string verdict_file = stack_->directory() + "/verdict";
    RemoveTree(verdict_file);
    const absl::Status checked =
        RunProgram({.program = absl::StrCat(std::getenv("QM_TEST_BUILD_DIR"),
                                            "/tests/harness/checker/qm-checker"),
                    .arguments = {"--socket", stack_->database().socket(), "--database",
                                  "quartermaster_inventory", "--history", history_file_},
                    .log_file = verdict_file},
                   absl::Now() + absl::Minutes(1));
    EXPECT_TRUE(checked.ok()) << checked;
    std::cout << ReadFile(verdict_file) << late_count
              << " of the acknowledged were so only when asked again\n";
  }

  inline static Stack* stack_ = nullptr;
  // One for all tests: the books are never emptied.
  const std::string history_file_ = stack_->directory() + "/history";
  HistoryWriter history_{history_file_};
  std::vector<std::unique_ptr<Clerk>> clerks_;
};

TEST_F(ChaosTest, SurvivesKillsOfTheService) {
  KillUnderLoad(kKillCount, [] {
    stack_->inventory().Kill();
    return stack_->StartInventory();
  });
  CheckBooks();
}

TEST_F(ChaosTest, SurvivesKillsOfTheGateway) {
  KillUnderLoad(kKillCount, [] {
    stack_->gateway().Kill();
    return stack_->StartGateway();
  });
  CheckBooks();
}

TEST_F(ChaosTest, SurvivesKillsOfTheDatabase) {
  KillUnderLoad(kDatabaseKillCount, [] {
    stack_->database().Kill9();
    return stack_->database().Restart();
  });
  CheckBooks();
}

TEST_F(ChaosTest, SurvivesTheLossOfAllAtOnce) {
  KillUnderLoad(kKillOfAllCount, [] {
    stack_->gateway().Kill();
    stack_->inventory().Kill();
    stack_->database().Kill9();
    absl::Status started = stack_->database().Restart();
    if (started.ok()) started = stack_->StartInventory();
    if (started.ok()) started = stack_->StartGateway();
    return started;
  });
  CheckBooks();
}

// inventory-svc reaches the database through a proxy that breaks the link at the worst moment.
class LostCommitTest : public ChaosTest {
 protected:
  LostCommitTest() {
    const std::string socket = absl::StrCat(stack_->database().socket(), ".proxy");
    auto proxy =
        TcpProxy::Start({.upstream_socket = stack_->database().socket(), .listen_socket = socket});
    EXPECT_TRUE(proxy.ok()) << proxy.status();
    proxy_ = *std::move(proxy);
    RestartInventory(socket);
    // Nobody else's COMMIT is to meet the rule, and each of the gateway's connections is to be
    // there again: they are taken in turn.
    int at_once_count = 0;
    while (at_once_count < kConnectionsMax && !HasFailure()) {
      const int64_t late_before = clerk().counts().acknowledged_late;
      EXPECT_TRUE(clerk().Receive(1, Soon()).has_value());
      at_once_count = clerk().counts().acknowledged_late == late_before ? at_once_count + 1 : 0;
    }
  }
  ~LostCommitTest() override { RestartInventory(stack_->database().socket()); }

  static void RestartInventory(const std::string& database_socket) {
    stack_->inventory().Stop(Soon());
    stack_->UseDatabaseSocket(database_socket);
    const absl::Status started = stack_->StartInventory();
    EXPECT_TRUE(started.ok()) << started;
  }

  Clerk& clerk() { return *clerks_[0]; }

  // Asks once for a receipt and expects to be told the truth at the first attempt, by the same
  // call: that it is in the books. Repeats it, and looks at the books.
  void ExpectTheTruth(const CutRule& rule, const std::function<void()>& meanwhile) {
    const int64_t late_before = clerk().counts().acknowledged_late;
    proxy_->CutWhen(rule);
    std::optional<inventory::v1::Movement> movement;
    std::thread call([&] { movement = clerk().Receive(7, Soon()); });
    EXPECT_TRUE(WaitUntil(Soon(), [&] { return proxy_->cut_count() == 1; }));
    meanwhile();
    call.join();

    ASSERT_TRUE(movement.has_value());
    EXPECT_EQ(clerk().counts().acknowledged_late, late_before)
        << "the first attempt was not told: " << Troubles();
    const auto again = clerk().RepeatLast(Soon());
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->name(), movement->name());
    CheckBooks();
  }

  std::unique_ptr<TcpProxy> proxy_;
};

TEST_F(LostCommitTest, TellsWhatWasCommittedWhenOnlyTheAnswerIsLost) {
  ExpectTheTruth({.bytes = "COMMIT"}, [] {});
}

TEST_F(LostCommitTest, BooksOnceWhenTheCommitNeverArrives) {
  ExpectTheTruth({.bytes = "COMMIT", .is_forwarded = false}, [] {});
}

TEST_F(LostCommitTest, BooksOnceWhenTheCommitArrivesTwoSecondsLater) {
  ExpectTheTruth(
      {.bytes = "COMMIT", .forward_after = absl::Seconds(2), .cuts_client_at_once = true}, [] {});
}

// The COMMIT lies before a server that stands still; it is read and done two seconds later.
TEST_F(LostCommitTest, BooksOnceWhenAStalledServerCommitsTwoSecondsLater) {
  ExpectTheTruth(
      {.bytes = "COMMIT", .forward_after = absl::Milliseconds(300), .cuts_client_at_once = true},
      [] {
        stack_->database().Pause();
        WaitUntil(absl::Now() + absl::Seconds(2), [] { return false; });
        stack_->database().Resume();
      });
}

}  // namespace
}  // namespace quartermaster::testing
