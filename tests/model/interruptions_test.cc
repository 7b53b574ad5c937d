// Goal: what is killed in the middle of its work, or loses the answer to its COMMIT, leaves the
// books as if it had done all or nothing, and whoever repeats it is told which. Method: as in
// interleavings_test.cc; here an actor may be abandoned at any of its steps, and a COMMIT may lose
// its answer with or without effect.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/model/round.h"

namespace quartermaster::inventory {
namespace {

using testing::ExploreSchedules;
using testing::Scheduler;

// The process is killed at any step of its posting; the client repeats the call elsewhere, at any
// time, even before.
TEST(InterleavingsTest, RetryAfterACrashPostsOnceWhereverItCrashed) {
  int64_t crash_count = 0;
  const auto explored = ExploreSchedules({}, [&](Scheduler& scheduler) {
    Round round(scheduler);
    round.Receive(5);
    Answer original = NoAnswer();
    Answer retry = NoAnswer();
    round.AddPost("anna", AConsumption(5, 1), original, /*may_crash=*/true);
    round.AddPost("anna", AConsumption(5, 1), retry);

    round.Run();

    ASSERT_TRUE(retry.ok()) << retry.status();
    if (!scheduler.has_crashed()) ExpectSameMovement(original, retry);
    EXPECT_EQ(round.OnHand(), 0);
    EXPECT_EQ(round.movement_count(), 2);
    crash_count += scheduler.has_crashed() ? 1 : 0;
  });
  EXPECT_TRUE(explored.is_complete);
  EXPECT_GT(crash_count, 0);
}

TEST(InterleavingsTest, CrashLeavesTheLastPiecesToTheNextOrTakesThemWhole) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler);
    round.Receive(5);
    Answer crashing = NoAnswer();
    Answer other = NoAnswer();
    round.AddPost("anna", AConsumption(5, 1), crashing, /*may_crash=*/true);
    round.AddPost("boris", AConsumption(5, 2), other);

    round.Run();

    EXPECT_EQ(round.OnHand(), 0);
    EXPECT_EQ(round.movement_count(), 2);
    if (!other.ok()) {
      EXPECT_EQ(ReasonOf(other), "INSUFFICIENT_STOCK");
    }
  });
  EXPECT_TRUE(explored.is_complete);
}

TEST(InterleavingsTest, CrashedReversalIsRepeatedOnce) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler);
    const Movement receipt = round.Receive(5);
    Answer original = NoAnswer();
    Answer retry = NoAnswer();
    round.AddReversal("anna", receipt.movement_id, 1, original, /*may_crash=*/true);
    round.AddReversal("anna", receipt.movement_id, 1, retry);

    round.Run();

    ASSERT_TRUE(retry.ok()) << retry.status();
    EXPECT_EQ(round.OnHand(), 0);
    EXPECT_EQ(round.movement_count(), 2);
  });
  EXPECT_TRUE(explored.is_complete);
}

// The link breaks after COMMIT was sent: it took effect, or it did not, and the caller is told what
// is true in either case.
TEST(InterleavingsTest, LostCommitIsAnsweredWithTheTruthAndBooked) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler, /*lost_commit_count_max=*/1);
    round.Receive(5);
    Answer poster = NoAnswer();
    Answer competitor = NoAnswer();
    round.AddPost("anna", AConsumption(5, 1), poster);
    round.AddPost("boris", AConsumption(5, 2), competitor);

    round.Run();

    EXPECT_EQ(poster.ok() + competitor.ok(), 1);
    EXPECT_EQ(ReasonOf(poster.ok() ? competitor : poster), "INSUFFICIENT_STOCK");
    EXPECT_EQ(round.OnHand(), 0);
    EXPECT_EQ(round.movement_count(), 2);
  });
  EXPECT_TRUE(explored.is_complete);
}

TEST(InterleavingsTest, LostCommitAndRetryOfTheSameRequestPostOnce) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler, /*lost_commit_count_max=*/2);
    round.Receive(5);
    Answer original = NoAnswer();
    Answer retry = NoAnswer();
    round.AddPost("anna", AConsumption(5, 1), original);
    round.AddPost("anna", AConsumption(5, 1), retry);

    round.Run();

    ExpectSameMovement(original, retry);
    EXPECT_EQ(round.OnHand(), 0);
    EXPECT_EQ(round.movement_count(), 2);
  });
  EXPECT_TRUE(explored.is_complete);
}

TEST(InterleavingsTest, LostCommitOfAReversalReversesOnce) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler, /*lost_commit_count_max=*/1);
    const Movement receipt = round.Receive(5);
    Answer first = NoAnswer();
    Answer second = NoAnswer();
    round.AddReversal("anna", receipt.movement_id, 1, first);
    round.AddReversal("boris", receipt.movement_id, 2, second);

    round.Run();

    EXPECT_EQ(first.ok() + second.ok(), 1);
    EXPECT_EQ(ReasonOf(first.ok() ? second : first), "ALREADY_REVERSED");
    EXPECT_EQ(round.OnHand(), 0);
  });
  EXPECT_TRUE(explored.is_complete);
}

TEST(InterleavingsTest, CrashedTransferLeavesWholeOrNotAtAll) {
  const auto explored =
      ExploreSchedules({.limits = {.preemption_count_max = 2}}, [](Scheduler& scheduler) {
        Round round(scheduler);
        const Movement receipt = round.Receive(5);
        Answer transfer = NoAnswer();
        Answer clerk = NoAnswer();
        Answer reversal = NoAnswer();
        round.AddDispatch(3, 77, transfer, /*may_crash=*/true);
        round.AddPost("anna", AConsumption(3, 1), clerk);
        round.AddReversal("boris", receipt.movement_id, 2, reversal);

        round.Run();

        EXPECT_TRUE(round.OnTheRoad(77) == 0 || round.OnTheRoad(77) == 3);
        const int64_t left = (clerk.ok() ? 3 : 0) + (reversal.ok() ? 5 : 0) + round.OnTheRoad(77);
        EXPECT_EQ(round.OnHand(), 5 - left);
      });
  EXPECT_TRUE(explored.is_complete);
}

}  // namespace
}  // namespace quartermaster::inventory
