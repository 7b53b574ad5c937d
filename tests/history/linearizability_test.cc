// The search by itself: histories made by hand that are linearizable or are not, what a
// counterexample says, how the search is bounded, and, over thousands of small random histories,
// that it agrees with trying every order.

#include "tests/history/linearizability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <ostream>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"

namespace quartermaster::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kDepot = 0;
constexpr int kShelf = 1;
constexpr int kRoad = 2;

absl::Duration At(int milliseconds) { return absl::Milliseconds(milliseconds); }

// Builds a history of an item with a depot, a shelf, and if asked for a road between them; times
// are in milliseconds.
class AHistory {
 public:
  explicit AHistory(int64_t depot = 0, int64_t shelf = 0) {
    history_.item = "items/mask";
    history_.accounts = {"depot", "shelf"};
    history_.initial_amounts = {depot, shelf};
  }

  AHistory& WithRoad() {
    history_.accounts.push_back("road");
    history_.initial_amounts.push_back(0);
    return *this;
  }
  AHistory& Posted(int asked, int answered, std::vector<StockStep> steps) {
    return Add({.outcome = Operation::Outcome::kDone, .steps = std::move(steps)}, asked, answered);
  }
  AHistory& Received(int asked, int answered, int64_t quantity, int account = kDepot) {
    return Posted(asked, answered, {{kOutside, account, quantity}});
  }
  AHistory& Taken(int asked, int answered, int64_t quantity, int account = kDepot) {
    return Posted(asked, answered, {{account, kOutside, quantity}});
  }
  AHistory& Refused(int asked, int answered, int64_t quantity, int64_t available,
                    int account = kDepot) {
    return Add({.outcome = Operation::Outcome::kRefused,
                .steps = {{account, kOutside, quantity}},
                .available = available},
               asked, answered);
  }
  AHistory& Unknown(int asked, std::vector<StockStep> steps,
                    std::optional<size_t> not_before = std::nullopt) {
    return Add({.steps = std::move(steps), .not_before = not_before}, asked, asked);
  }
  AHistory& Read(int asked, int answered, int64_t depot, int64_t shelf = 0) {
    return Add({.kind = Operation::Kind::kRead,
                .outcome = Operation::Outcome::kDone,
                .amounts = {depot, shelf}},
               asked, answered);
  }

  // A read of one account alone.
  AHistory& Looked(int asked, int answered, int account, int64_t amount) {
    return Add({.kind = Operation::Kind::kRead,
                .outcome = Operation::Outcome::kDone,
                .first_account = account,
                .amounts = {amount}},
               asked, answered);
  }

  const ItemHistory& history() const { return history_; }

 private:
  AHistory& Add(Operation operation, int asked, int answered) {
    operation.asker = absl::StrCat("clerk-", history_.operations.size());
    operation.invoke_time = At(asked);
    operation.return_time = At(answered);
    history_.operations.push_back(std::move(operation));
    return *this;
  }

  ItemHistory history_;
};

LinearizabilityVerdict Check(const AHistory& made) {
  const auto verdict = CheckLinearizable(made.history());
  EXPECT_TRUE(verdict.ok()) << verdict.status();
  return verdict.value_or(LinearizabilityVerdict());
}

struct Case {
  std::string name;
  AHistory history;
  bool is_linearizable = true;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

class LinearizabilityCases : public ::testing::TestWithParam<Case> {};

TEST_P(LinearizabilityCases, AreToldApart) {
  const LinearizabilityVerdict verdict = Check(GetParam().history);

  EXPECT_EQ(verdict.is_linearizable, GetParam().is_linearizable) << verdict.counterexample;
  EXPECT_EQ(verdict.counterexample.empty(), GetParam().is_linearizable);
}

INSTANTIATE_TEST_SUITE_P(
    Linearizable, LinearizabilityCases,
    ::testing::Values(
        Case{"Nothing", AHistory()},
        Case{"OneAfterTheOther", AHistory().Received(0, 1, 5).Read(2, 3, 5).Taken(4, 5, 5)},
        Case{"AReadDuringAPostingSeesItOrNot",
             AHistory().Received(0, 10, 5).Read(1, 2, 0).Read(3, 4, 5)},
        Case{"TheAnswerThatCameFirstHappenedLast",
             AHistory(5).Taken(0, 10, 5).Read(1, 2, 5).Received(1, 9, 1).Read(11, 12, 1)},
        Case{"TheLastPieceGoesToOneAndTheOtherIsRefused",
             AHistory(1).Taken(0, 10, 1).Refused(0, 10, 1, 0).Read(11, 12, 0)},
        Case{"WhatIsRefusedMayBeThereALittleLater",
             AHistory().Received(0, 10, 5).Refused(1, 9, 5, 0).Read(11, 12, 5)},
        Case{"ARelocationIsSeenWhole",
             AHistory(5).Posted(0, 9, {{kDepot, kShelf, 5}}).Read(1, 2, 5, 0).Read(3, 4, 0, 5)},
        Case{"AnUnknownOneTookEffect",
             AHistory().Unknown(0, {{kOutside, kDepot, 5}}).Read(2, 3, 5)},
        Case{"AnUnknownOneNeverDid", AHistory().Unknown(0, {{kOutside, kDepot, 5}}).Read(2, 3, 0)},
        Case{"AnUnknownOneTakesEffectLate",
             AHistory().Unknown(0, {{kOutside, kDepot, 5}}).Read(2, 3, 0).Read(900, 901, 5)},
        Case{"ARefusedRepetitionAndTheFirstAttemptAfterIt",
             AHistory()
                 .Refused(5, 6, 3, 0)
                 .Unknown(0, {{kDepot, kOutside, 3}}, 0)
                 .Received(7, 8, 3)
                 .Read(9, 10, 0)},
        Case{"GoodsOnTheRoadAreInNeitherPlace", AHistory(5)
                                                    .WithRoad()
                                                    .Posted(0, 1, {{kDepot, kRoad, 5}})
                                                    .Read(2, 3, 0, 0)
                                                    .Looked(4, 5, kRoad, 5)
                                                    .Posted(6, 7, {{kRoad, kShelf, 5}})
                                                    .Read(8, 9, 0, 5)},
        Case{"OfTwoWhoSignTheSecondIsRefused", AHistory(5)
                                                   .WithRoad()
                                                   .Posted(0, 1, {{kDepot, kRoad, 5}})
                                                   .Posted(2, 9, {{kRoad, kShelf, 5}})
                                                   .Refused(2, 9, 5, 0, kRoad)},
        Case{"TheSecondIsRefusedThoughNobodyKnowsOfTheFirst",
             AHistory(5)
                 .WithRoad()
                 .Posted(0, 1, {{kDepot, kRoad, 5}})
                 .Unknown(2, {{kRoad, kShelf, 5}})
                 .Refused(3, 4, 5, 0, kRoad)
                 .Read(5, 6, 0, 5)},
        Case{"AskedWhenTheOtherWasAnswered", AHistory().Received(0, 5, 5).Read(5, 6, 0)}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    NotLinearizable, LinearizabilityCases,
    ::testing::Values(
        Case{"AReadForgetsWhatWasAcknowledged", AHistory().Received(0, 1, 5).Read(2, 3, 0), false},
        Case{"AReadKnowsWhatNobodyAskedYet", AHistory().Read(0, 1, 5).Received(2, 3, 5), false},
        Case{"TwoReadsDuringAPostingDisagreeBackwards",
             AHistory().Received(0, 10, 5).Read(1, 2, 5).Read(3, 4, 0), false},
        Case{"TheLastPieceGoesToBoth", AHistory(1).Taken(0, 10, 1).Taken(0, 10, 1), false},
        Case{"RefusedWhatWasThere", AHistory(5).Refused(0, 1, 5, 5), false},
        Case{"RefusedWithAnAmountThatNeverWas", AHistory(5).Refused(0, 1, 9, 4), false},
        Case{"ARefusalIsInHindsight",
             AHistory().Received(0, 1, 5).Refused(2, 3, 5, 0).Read(4, 5, 5), false},
        Case{"BothOfTwoAreRefusedTheLastPiece",
             AHistory(1).Refused(0, 10, 1, 0).Refused(0, 10, 1, 0).Read(11, 12, 1), false},
        Case{"ARelocationIsSeenHalf",
             AHistory(5).Posted(0, 9, {{kDepot, kShelf, 5}}).Read(1, 2, 0, 0), false},
        Case{"AnAcknowledgedPostingIsLost",
             AHistory().Received(0, 1, 5).Received(2, 3, 1).Read(4, 5, 1), false},
        Case{"AnAcknowledgedPostingIsBookedTwice", AHistory().Received(0, 1, 5).Read(2, 3, 10),
             false},
        Case{"BothOfTwoWhoSignAreAcknowledged",
             AHistory(5)
                 .WithRoad()
                 .Posted(0, 1, {{kDepot, kRoad, 5}})
                 .Posted(2, 9, {{kRoad, kShelf, 5}})
                 .Posted(2, 9, {{kRoad, kShelf, 5}}),
             false},
        Case{"GoodsLeaveAndAreNotOnTheRoad",
             AHistory(5)
                 .WithRoad()
                 .Posted(0, 9, {{kDepot, kRoad, 5}})
                 .Read(1, 2, 0, 0)
                 .Looked(3, 4, kRoad, 0),
             false},
        Case{"ALookForgetsThatTheGoodsHaveArrived",
             AHistory(5)
                 .WithRoad()
                 .Posted(0, 1, {{kDepot, kRoad, 5}})
                 .Posted(2, 3, {{kRoad, kShelf, 5}})
                 .Looked(4, 5, kRoad, 5),
             false},
        Case{"AnUnknownOneComesAndGoes",
             AHistory().Unknown(0, {{kOutside, kDepot, 5}}).Read(2, 3, 5).Read(4, 5, 0), false},
        Case{"AnUnknownOneWasSeenBeforeItWasAsked",
             AHistory().Read(0, 1, 5).Unknown(2, {{kOutside, kDepot, 5}}), false},
        Case{"ARepetitionIsRefusedThoughTheFirstAttemptIsInTheBooks",
             AHistory(3).Refused(5, 6, 3, 0).Unknown(0, {{kDepot, kOutside, 3}}, 0), false}),
    [](const auto& param) { return param.param.name; });

TEST(LinearizabilityTest, SaysWhereItIsStuckAndLeavesOutWhatDoesNotMatter) {
  AHistory made;
  made.Received(0, 1, 5).Taken(2, 3, 2);
  made.Read(10, 19, 3).Read(11, 18, 3).Refused(12, 17, 9, 3);
  made.Received(13, 30, 4).Read(14, 16, 5);
  // What comes later is no part of it.
  made.Taken(40, 41, 1);

  const std::string counterexample = Check(made).counterexample;

  EXPECT_THAT(counterexample, HasSubstr("Stuck at the answer of #6"));
  EXPECT_THAT(counterexample, AllOf(HasSubstr("#1 "), HasSubstr("2 depot -> outside: posted")));
  EXPECT_THAT(counterexample, HasSubstr("\n    depot 3 shelf 0\n"));
  EXPECT_THAT(counterexample, HasSubstr("\n    depot 7 shelf 0\n"));
  EXPECT_THAT(counterexample, HasSubstr("4 outside -> depot"));
  EXPECT_THAT(counterexample, HasSubstr("read: depot 5, shelf 0"));
  for (const char* left_out : {"#2 ", "#3 ", "#4 ", "#7 "}) {
    EXPECT_THAT(counterexample, Not(HasSubstr(left_out)));
  }
}

TEST(LinearizabilityTest, SaysSoWhenItCannotDecide) {
  AHistory made;
  for (int i = 0; i < 12; ++i) made.Unknown(i, {{kOutside, kDepot, int64_t{1} << i}});
  made.Read(50, 51, (int64_t{1} << 12) - 1);

  const auto verdict = CheckLinearizable(made.history(), {.ways_max = 1000});

  EXPECT_EQ(verdict.status().code(), absl::StatusCode::kResourceExhausted) << verdict.status();
  EXPECT_TRUE(Check(made).is_linearizable);
  for (int i = 0; i < 64; ++i) made.Unknown(60, {{kOutside, kDepot, 1}});
  EXPECT_EQ(CheckLinearizable(made.history()).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(LinearizabilityTest, RefusesWhatMakesNoSense) {
  EXPECT_TRUE(
      absl::IsInvalidArgument(CheckLinearizable(AHistory().Received(5, 4, 1).history()).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      CheckLinearizable(AHistory().Posted(0, 1, {{kDepot, 7, 1}}).history()).status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(CheckLinearizable(AHistory().Posted(0, 1, {}).history()).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      CheckLinearizable(AHistory().Looked(0, 1, kRoad, 5).history()).status()));
}

// A ledger that answers at a random moment between asking and answering, so what it says is
// linearizable by construction. `lies` of the answers are then changed.
ItemHistory RandomHistory(std::mt19937_64& random, size_t operation_count, int open_max,
                          bool may_be_unknown) {
  const auto draw = [&](int64_t below) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(below));
  };
  ItemHistory history = AHistory(draw(4), draw(4)).history();
  std::vector<int64_t> amounts = history.initial_amounts;
  for (size_t i = 0; i < operation_count; ++i) {
    const absl::Duration effect = absl::Milliseconds(10 * static_cast<int64_t>(i));
    Operation operation{.outcome = Operation::Outcome::kDone, .asker = "clerk"};
    operation.invoke_time = effect - absl::Milliseconds(draw(10 * open_max));
    operation.return_time = effect + absl::Milliseconds(draw(10 * open_max));
    if (draw(3) == 0) {
      operation.kind = Operation::Kind::kRead;
      operation.amounts = amounts;
    } else {
      const int here = static_cast<int>(draw(2));
      const int64_t kind = draw(3);
      operation.steps = {
          {kind == 0 ? kOutside : here, kind == 1 ? kOutside : 1 - here, 1 + draw(3)}};
      const StockStep& step = operation.steps[0];
      int64_t* const source =
          step.source == kOutside ? nullptr : &amounts[static_cast<size_t>(step.source)];
      if (may_be_unknown && draw(6) == 0) operation.outcome = Operation::Outcome::kUnknown;
      const bool is_lost = operation.outcome == Operation::Outcome::kUnknown && draw(2) == 0;
      if (source != nullptr && *source < step.quantity) {
        if (operation.outcome == Operation::Outcome::kDone) {
          operation.outcome = Operation::Outcome::kRefused;
          operation.available = *source;
        }
      } else if (!is_lost) {
        if (source != nullptr) *source -= step.quantity;
        if (step.destination != kOutside) {
          amounts[static_cast<size_t>(step.destination)] += step.quantity;
        }
      }
    }
    history.operations.push_back(std::move(operation));
  }
  return history;
}

// Changes one answer: what a read or a refusal told, or whether a posting was refused.
void Lie(std::mt19937_64& random, ItemHistory& history) {
  Operation& operation = history.operations[random() % history.operations.size()];
  if (operation.kind == Operation::Kind::kRead) {
    operation.amounts[random() % 2] += random() % 2 == 0 ? 1 : -1;
  } else if (operation.outcome == Operation::Outcome::kDone) {
    operation.outcome = Operation::Outcome::kRefused;
  } else if (operation.outcome == Operation::Outcome::kRefused) {
    operation.outcome = Operation::Outcome::kDone;
  }
}

// Tries every order of the operations, unknown ones in it or not.
bool HasOrder(const ItemHistory& history, std::vector<size_t>& order,
              std::vector<int64_t> amounts) {
  const auto is_in = [&](size_t place) { return std::ranges::count(order, place) > 0; };
  bool is_complete = true;
  for (size_t next = 0; next < history.operations.size(); ++next) {
    const Operation& operation = history.operations[next];
    const bool must_be_in = operation.outcome != Operation::Outcome::kUnknown;
    if (is_in(next)) continue;
    is_complete = is_complete && !must_be_in;
    bool may_come = true;
    for (size_t other = 0; other < history.operations.size(); ++other) {
      const Operation& earlier = history.operations[other];
      may_come = may_come && (is_in(other) || other == next ||
                              earlier.outcome == Operation::Outcome::kUnknown ||
                              earlier.return_time >= operation.invoke_time);
    }
    if (!may_come) continue;
    std::vector<int64_t> after = amounts;
    if (operation.kind == Operation::Kind::kRead) {
      if (operation.amounts != amounts) continue;
    } else {
      const StockStep& step = operation.steps[0];
      const bool is_outside = step.source == kOutside;
      const int64_t there = is_outside ? 0 : amounts[static_cast<size_t>(step.source)];
      const bool is_short = !is_outside && there < step.quantity;
      if (operation.outcome == Operation::Outcome::kRefused) {
        if (!is_short || there != operation.available) continue;
      } else {
        if (is_short) continue;
        if (!is_outside) after[static_cast<size_t>(step.source)] -= step.quantity;
        if (step.destination != kOutside) {
          after[static_cast<size_t>(step.destination)] += step.quantity;
        }
      }
    }
    order.push_back(next);
    const bool is_found = HasOrder(history, order, after);
    order.pop_back();
    if (is_found) return true;
  }
  return is_complete;
}

TEST(LinearizabilityTest, AgreesWithTryingEveryOrder) {
  std::mt19937_64 random(1);
  int linearizable_count = 0;
  constexpr int kRounds = 3000;
  for (int round = 0; round < kRounds; ++round) {
    ItemHistory history = RandomHistory(random, 6, 3, /*may_be_unknown=*/true);
    const bool is_true = round % 2 == 0;
    if (!is_true) Lie(random, history);
    std::vector<size_t> order;

    const bool has_order = HasOrder(history, order, history.initial_amounts);
    const auto verdict = CheckLinearizable(history);

    ASSERT_TRUE(verdict.ok()) << verdict.status();
    ASSERT_EQ(verdict->is_linearizable, has_order) << "round " << round << verdict->counterexample;
    ASSERT_TRUE(has_order || !is_true) << "round " << round;
    linearizable_count += has_order ? 1 : 0;
  }
  EXPECT_GT(linearizable_count, kRounds / 2);
  EXPECT_LT(linearizable_count, kRounds * 9 / 10);
}

TEST(LinearizabilityTest, ChecksALongHistoryInSeconds) {
  std::mt19937_64 random(2);
  ItemHistory history = RandomHistory(random, 2000, 8, /*may_be_unknown=*/false);

  EXPECT_TRUE(CheckLinearizable(history)->is_linearizable);

  history.operations.push_back({.kind = Operation::Kind::kRead,
                                .outcome = Operation::Outcome::kDone,
                                .asker = "clerk",
                                .invoke_time = absl::Hours(1),
                                .return_time = absl::Hours(1),
                                .amounts = {-1, -1}});
  EXPECT_FALSE(CheckLinearizable(history)->is_linearizable);
}

}  // namespace
}  // namespace quartermaster::testing
