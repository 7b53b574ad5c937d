// Goal: each item's history is linearizable while clerks fight for its last pieces at two replicas;
// and the check of it would notice if it were not.
// Method: clerks over real connections take down what they asked and were told, with the times; the
// search decides. Then the true histories are made false in many ways, and it must refuse each.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

using ::testing::IsEmpty;

constexpr int kClerkCount = 6;
constexpr int kItemCount = 3;
constexpr size_t kOperationsPerItemMax = 500;

class StockRacesTest : public LedgerTest {
 protected:
  StockRacesTest() : replica_(InventoryServer::Start(database_)) {
    replica_->authenticator().Grant(kClerk, "units/city",
                                    {"ledger.read", "ledger.post", "ledger.reverse"});
    for (InventoryServer* server : {server_.get(), replica_.get()}) {
      server->authenticator().Grant(
          kClerk, "units/city",
          {"units.read", "transfers.read", "transfers.create", "transfers.dispatch"});
    }
    for (int i = 0; i < kItemCount; ++i) {
      const std::string item = MakeItem(absl::StrCat("stock-", i)).name();
      EXPECT_EQ(Outcome(CreateLot(ACreateLot(item, "a"))), "OK");
      items_.recorders.push_back(std::make_unique<HistoryRecorder>(
          item, std::vector<std::string>{kDepot, kShelf}, kOperationsPerItemMax));
    }
  }

  // Lets all clerks work until the histories are full, and then reads each item once.
  std::vector<ItemHistory> MakeHistories() {
    std::vector<StockDoor> doors;
    for (InventoryServer* server : {server_.get(), replica_.get()}) {
      doors.push_back(
          {.channel = server->channel(), .prepare = [server](grpc::ClientContext& context) {
             server->Prepare(context, kClerk);
           }});
    }
    std::vector<std::unique_ptr<StockClerk>> clerks;
    for (int i = 0; i < kClerkCount; ++i) {
      clerks.push_back(
          std::make_unique<StockClerk>(StockClerk::Options{.name = absl::StrCat("clerk-", i),
                                                           .attempt_max = absl::Seconds(20),
                                                           .seed = static_cast<uint64_t>(i)},
                                       doors, "units/city", items_));
    }
    const std::atomic<bool> stop = false;
    std::vector<std::thread> threads;
    for (const auto& clerk : clerks) threads.emplace_back([&] { clerk->Work(stop); });
    for (std::thread& thread : threads) thread.join();
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    std::vector<ItemHistory> histories;
    for (const auto& clerk : clerks) {
      EXPECT_THAT(clerk->surprises(), IsEmpty());
      EXPECT_TRUE(clerk->Settle(deadline));
    }
    for (const auto& recorder : items_.recorders) {
      EXPECT_TRUE(clerks[0]->Read(*recorder, deadline));
      histories.push_back(recorder->history());
    }
    return histories;
  }

  static int64_t CountOf(const ItemHistory& history, Operation::Outcome outcome) {
    return std::ranges::count(history.operations, outcome, &Operation::outcome);
  }

  std::unique_ptr<InventoryServer> replica_;
  StockItems items_;
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
  if (operation.kind != Operation::Kind::kRead || operation.amounts == last.amounts) {
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
