// Goal: each item's history, that of its transfers among it, is linearizable while clerks fight for
// its last pieces at two replicas; and the check of it would notice if it were not.
// Method: clerks over real connections take down what they asked and were told, with the times; the
// search decides. Then the true histories are made false in many ways, and it must refuse each.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/history/linearizability.h"
#include "tests/history/stock_clerk.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::Each;
using ::testing::Gt;
using ::testing::IsEmpty;

constexpr int kClerkCount = 6;
constexpr int kItemCount = 3;
constexpr size_t kOperationsPerItemMax = 500;

class StockRacesTest : public LedgerTest {
 protected:
  StockRacesTest() : replica_(InventoryServer::Start(database_)) {
    for (InventoryServer* server : {server_.get(), replica_.get()}) {
      for (int i = 0; i < kClerkCount; ++i) {
        server->authenticator().Grant(
            CallerOf(i), "units/city",
            {"units.read", "ledger.read", "ledger.post", "ledger.reverse", "transfers.read",
             "transfers.create", "transfers.dispatch", "transfers.receive", "transfers.resolve"});
      }
    }
    for (int i = 0; i < kItemCount; ++i) {
      const std::string item = MakeItem(absl::StrCat("stock-", i)).name();
      EXPECT_EQ(Outcome(CreateLot(ACreateLot(item, "a"))), "OK");
      items_.items.push_back(std::make_unique<StockItem>(
          item, std::array<std::string, kPlaceCount>{kDepot, kShelf}, kOperationsPerItemMax));
    }
  }

  static std::string CallerOf(int clerk) { return absl::StrCat("persons/clerk-", clerk); }

  // To the service and to its replica.
  std::vector<std::unique_ptr<StockDoor>> DoorsOf(const std::string& caller) {
    std::vector<std::unique_ptr<StockDoor>> doors;
    for (InventoryServer* server : {server_.get(), replica_.get()}) {
      doors.push_back(
          MakeGrpcDoor(server->channel(), [server, caller](grpc::ClientContext& context) {
            context.AddMetadata("authorization", caller);
          }));
    }
    return doors;
  }

  // Lets all clerks work until the histories are full, and then reads each item once.
  std::vector<ItemHistory> MakeHistories() {
    std::vector<std::unique_ptr<StockClerk>> clerks;
    for (int i = 0; i < kClerkCount; ++i) {
      clerks.push_back(
          std::make_unique<StockClerk>(StockClerk::Options{.name = absl::StrCat("clerk-", i),
                                                           .caller = CallerOf(i),
                                                           .attempt_max = absl::Seconds(20),
                                                           .seed = static_cast<uint64_t>(i)},
                                       DoorsOf(CallerOf(i)), "units/city", items_));
    }
    const std::atomic<bool> stop = false;
    std::vector<std::thread> threads;
    for (const auto& clerk : clerks) threads.emplace_back([&] { clerk->Work(stop); });
    for (std::thread& thread : threads) thread.join();
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    std::vector<ItemHistory> histories;
    for (const auto& clerk : clerks) {
      EXPECT_THAT(clerk->surprises(), IsEmpty());
      EXPECT_THAT(clerk->answers_by_door(), Each(Gt(0)));
      EXPECT_TRUE(clerk->Settle(deadline));
      received_count_ += clerk->received_count();
      resolved_count_ += clerk->resolved_count();
      outrun_count_ += clerk->outrun_count();
    }
    for (const auto& item : items_.items) {
      EXPECT_TRUE(clerks[0]->Read(*item, deadline));
      histories.push_back(item->recorder().history());
    }
    return histories;
  }

  static int64_t CountOf(const ItemHistory& history, Operation::Outcome outcome) {
    return std::ranges::count(history.operations, outcome, &Operation::outcome);
  }

  std::unique_ptr<InventoryServer> replica_;
  StockItems items_;
  int64_t received_count_ = 0;
  int64_t resolved_count_ = 0;
  int64_t outrun_count_ = 0;
};

TEST_F(StockRacesTest, EachItemIsLinearizable) {
  for (const ItemHistory& history : MakeHistories()) {
    const auto verdict = CheckLinearizable(history);

    ASSERT_TRUE(verdict.ok()) << verdict.status();
    EXPECT_TRUE(verdict->is_linearizable) << verdict->counterexample;
    // There were races, and there was little to race for.
    EXPECT_GT(verdict->ways_max, 2u);
    EXPECT_GT(CountOf(history, Operation::Outcome::kRefused), 20);
    EXPECT_GT(CountOf(history, Operation::Outcome::kDone), 200);
  }
  // Transfers arrived, whole and not, and some were signed for by two.
  EXPECT_GT(received_count_, 50);
  EXPECT_GT(resolved_count_, 5);
  EXPECT_GT(outrun_count_, 5);
}

// What would make a history false. Each returns nothing if it does not apply to that operation.
using Change = std::optional<ItemHistory> (*)(const ItemHistory& history, size_t place);

std::optional<ItemHistory> LoseAnAcknowledgedPosting(const ItemHistory& history, size_t place) {
  const Operation& operation = history.operations[place];
  if (operation.outcome != Operation::Outcome::kDone || operation.steps.empty())
    return std::nullopt;
  ItemHistory changed = history;
  changed.operations.erase(changed.operations.begin() + static_cast<std::ptrdiff_t>(place));
  for (Operation& other : changed.operations) {
    if (other.not_before.has_value() && *other.not_before > place) --*other.not_before;
  }
  return changed;
}

std::optional<ItemHistory> BookItTwice(const ItemHistory& history, size_t place) {
  const Operation& operation = history.operations[place];
  if (operation.outcome != Operation::Outcome::kDone || operation.steps.empty())
    return std::nullopt;
  ItemHistory changed = history;
  changed.operations.push_back(operation);
  return changed;
}

std::optional<ItemHistory> RefuseWhatWasPosted(const ItemHistory& history, size_t place) {
  const Operation& operation = history.operations[place];
  if (operation.outcome != Operation::Outcome::kDone || operation.steps.empty() ||
      operation.steps[0].source == kOutside) {
    return std::nullopt;
  }
  ItemHistory changed = history;
  changed.operations[place].outcome = Operation::Outcome::kRefused;
  return changed;
}

std::optional<ItemHistory> AcknowledgeWhatWasRefused(const ItemHistory& history, size_t place) {
  if (history.operations[place].outcome != Operation::Outcome::kRefused) return std::nullopt;
  ItemHistory changed = history;
  changed.operations[place].outcome = Operation::Outcome::kDone;
  return changed;
}

// Of an acknowledged operation of a transfer: changes its step from or to a kind of account.
std::optional<ItemHistory> ChangeStep(const ItemHistory& history, size_t place,
                                      bool (*is_wanted)(const StockStep&),
                                      void (*change)(StockStep&)) {
  const Operation& operation = history.operations[place];
  if (operation.outcome != Operation::Outcome::kDone) return std::nullopt;
  const auto found = std::ranges::find_if(operation.steps, is_wanted);
  if (found == operation.steps.end()) return std::nullopt;
  ItemHistory changed = history;
  change(changed.operations[place].steps[static_cast<size_t>(found - operation.steps.begin())]);
  return changed;
}

bool IsRoad(int account) { return account == OnTheRoadTo(0) || account == OnTheRoadTo(1); }

std::optional<ItemHistory> LoseWhatWasDispatched(const ItemHistory& history, size_t place) {
  return ChangeStep(
      history, place, [](const StockStep& step) { return IsRoad(step.destination); },
      [](StockStep& step) { step.destination = kOutside; });
}

std::optional<ItemHistory> AcceptWhatCameDamaged(const ItemHistory& history, size_t place) {
  return ChangeStep(
      history, place,
      [](const StockStep& step) {
        return step.destination == Quarantine(0) || step.destination == Quarantine(1);
      },
      [](StockStep& step) { step.destination -= kPlaceCount; });
}

std::optional<ItemHistory> ReceiveMoreThanWasSent(const ItemHistory& history, size_t place) {
  return ChangeStep(
      history, place, [](const StockStep& step) { return IsRoad(step.source); },
      [](StockStep& step) { ++step.quantity; });
}

std::optional<ItemHistory> FindWhatWasNotThere(const ItemHistory& history, size_t place) {
  if (history.operations[place].kind != Operation::Kind::kRead) return std::nullopt;
  ItemHistory changed = history;
  changed.operations[place].amounts[0] += 1000;
  return changed;
}

// The last read tells what the last one before it told that was something else.
std::optional<ItemHistory> ReadTheOldAmounts(const ItemHistory& history, size_t place) {
  const Operation& operation = history.operations[place];
  const Operation& last = history.operations.back();
  if (operation.kind != Operation::Kind::kRead || operation.amounts == last.amounts ||
      operation.first_account != last.first_account) {
    return std::nullopt;
  }
  ItemHistory changed = history;
  changed.operations.back().amounts = operation.amounts;
  return changed;
}

// What an operation changes in the end matters to the last read.
TEST_F(StockRacesTest, NoFalseHistoryPasses) {
  // So many of each kind, spread over the history: each costs a search.
  constexpr size_t kPerChange = 12;
  const ItemHistory history = MakeHistories()[0];
  const auto truth = CheckLinearizable(history);
  ASSERT_TRUE(truth.ok() && truth->is_linearizable) << truth.status();

  const std::pair<std::string, Change> changes[] = {
      {"an acknowledged posting is lost", LoseAnAcknowledgedPosting},
      {"a posting is booked twice", BookItTwice},
      {"what was posted is told as refused", RefuseWhatWasPosted},
      {"what was refused is told as posted", AcknowledgeWhatWasRefused},
      {"what was dispatched is on no road", LoseWhatWasDispatched},
      {"what came damaged was accepted", AcceptWhatCameDamaged},
      {"more was received than sent", ReceiveMoreThanWasSent},
      {"a read finds what was never there", FindWhatWasNotThere},
      {"the last read is an old one", ReadTheOldAmounts}};
  for (const auto& [name, change] : changes) {
    size_t refused_count = 0;
    for (size_t place = 0; place < history.operations.size() && refused_count < kPerChange;
         place += history.operations.size() / 50) {
      size_t at = place;
      std::optional<ItemHistory> changed;
      while (at < history.operations.size() && !(changed = change(history, at)).has_value()) ++at;
      if (!changed.has_value()) break;

      const auto verdict = CheckLinearizable(*changed);

      ASSERT_TRUE(verdict.ok()) << verdict.status();
      EXPECT_FALSE(verdict->is_linearizable) << name << ": " << Describe(history, at);
      EXPECT_THAT(verdict->counterexample, ::testing::HasSubstr("Stuck at the answer of #"));
      ++refused_count;
    }
    EXPECT_EQ(refused_count, kPerChange) << name;
  }
}

}  // namespace
}  // namespace quartermaster::testing
