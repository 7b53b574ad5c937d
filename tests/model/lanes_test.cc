// Goal: postings that share a transaction keep every promise of postings that have their own.
// Method: as in interleavings_test.cc; two lanes, each with a turn of two postings, and a document
// step through the orders of look-up, lock, insert and commit.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/model/round.h"

namespace quartermaster::inventory {
namespace {

using testing::ExploreSchedules;
using testing::Scheduler;

TEST(LanesTest, TwoLanesAndADocumentShareNoPiece) {
  const auto explored =
      ExploreSchedules({.limits = {.preemption_count_max = 3}}, [](Scheduler& scheduler) {
        Round round(scheduler);
        round.Receive(5);
        std::vector<Answer> answers(4, NoAnswer());
        Answer transfer = NoAnswer();
        round.AddLane("one", {{"anna", AConsumption(3, 1), &answers[0]},
                              {"boris", AConsumption(2, 2), &answers[1]}});
        round.AddLane("two", {{"chen", AConsumption(2, 3), &answers[2]},
                              {"ding", AReceipt(1, 4), &answers[3]}});
        round.AddDispatch(3, 77, transfer);

        round.Run();

        EXPECT_TRUE(answers[3].ok());
        const int64_t given =
            3 * answers[0].ok() + 2 * answers[1].ok() + 2 * answers[2].ok() + 3 * transfer.ok();
        EXPECT_EQ(round.OnHand(), 6 - given);
        EXPECT_EQ(round.OnTheRoad(77), transfer.ok() ? 3 : 0);
        EXPECT_GE(given, 3) << "everybody was refused what was there";
        EXPECT_EQ(round.rerun_count(), 0);
      });
  EXPECT_TRUE(explored.is_complete);
}

// Both lanes carry the same two requests, in opposite orders, onto different balances: nothing but
// the request ids can meet. Whoever inserts them in the order in which they came would wait for the
// other while the other waits for them.
TEST(LanesTest, TwinsInOppositeOrdersNeverBlockEachOther) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler);
    std::vector<Answer> answers(4, NoAnswer());
    round.AddLane("one",
                  {{"anna", AReceipt(1, 1), &answers[0]}, {"anna", AReceipt(1, 2), &answers[1]}});
    round.AddLane("two", {{"anna", AReceipt(1, 2, kShelf, kOtherMasks), &answers[2]},
                          {"anna", AReceipt(1, 1, kShelf, kOtherMasks), &answers[3]}});

    round.Run();

    for (const auto& [one, other] : {std::pair(0, 3), std::pair(1, 2)}) {
      EXPECT_EQ(answers[one].ok() + answers[other].ok(), 1);
      EXPECT_EQ(ReasonOf(answers[one].ok() ? answers[other] : answers[one]), "REQUEST_ID_REUSED");
    }
    EXPECT_EQ(round.movement_count(), 2);
  });
  EXPECT_TRUE(explored.is_complete);
}

TEST(LanesTest, RetryInAnotherLaneForTheLastPiecesGetsTheOriginalsAnswer) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler);
    round.Receive(5);
    Answer original = NoAnswer();
    Answer beside = NoAnswer();
    Answer retry = NoAnswer();
    round.AddLane("one", {{"anna", AConsumption(5, 1), &original},
                          {"boris", AReceipt(1, 2, kShelf), &beside}});
    round.AddLane("two", {{"anna", AConsumption(5, 1), &retry}});

    round.Run();

    ExpectSameMovement(original, retry);
    EXPECT_TRUE(beside.ok());
    EXPECT_EQ(round.OnHand(), 0);
    EXPECT_EQ(round.movement_count(), 3);
  });
  EXPECT_TRUE(explored.is_complete);
}

TEST(LanesTest, CrashedTurnIsInTheBooksWholeOrNotAtAllAndIsRepeatedOnce) {
  int64_t crash_count = 0;
  const auto explored = ExploreSchedules({}, [&](Scheduler& scheduler) {
    Round round(scheduler);
    round.Receive(5);
    std::vector<Answer> answers(2, NoAnswer());
    std::vector<Answer> retries(2, NoAnswer());
    round.AddLane(
        "one",
        {{"anna", AConsumption(3, 1), &answers[0]}, {"boris", AConsumption(2, 2), &answers[1]}},
        /*may_crash=*/true);
    round.AddLane("two", {{"anna", AConsumption(3, 1), &retries[0]},
                          {"boris", AConsumption(2, 2), &retries[1]}});

    round.Run();

    EXPECT_TRUE(retries[0].ok() && retries[1].ok());
    EXPECT_EQ(round.OnHand(), 0);
    EXPECT_EQ(round.movement_count(), 3);
    crash_count += scheduler.has_crashed() ? 1 : 0;
  });
  EXPECT_TRUE(explored.is_complete);
  EXPECT_GT(crash_count, 0);
}

TEST(LanesTest, LostCommitOfATurnIsAnsweredWithTheTruth) {
  const auto explored =
      ExploreSchedules({.limits = {.preemption_count_max = 3}}, [](Scheduler& scheduler) {
        Round round(scheduler, /*lost_commit_count_max=*/1);
        round.Receive(5);
        std::vector<Answer> answers(2, NoAnswer());
        Answer competitor = NoAnswer();
        round.AddLane("one", {{"anna", AConsumption(3, 1), &answers[0]},
                              {"boris", AConsumption(2, 2), &answers[1]}});
        round.AddLane("two", {{"chen", AConsumption(5, 3), &competitor}});

        round.Run();

        const int64_t given = 3 * answers[0].ok() + 2 * answers[1].ok() + 5 * competitor.ok();
        EXPECT_EQ(given, 5);
        EXPECT_EQ(round.OnHand(), 0);
      });
  EXPECT_TRUE(explored.is_complete);
}

}  // namespace
}  // namespace quartermaster::inventory
