// Goal: no order of look-up, lock, insert and commit loses a posting, doubles one or denies one
// that is in the books. Method: the real ledger over books in memory whose every call is a step of
// a deterministic scheduler. Each test runs all orders of its actors' steps, or all with a stated
// number of preemptions, and looks at the answers and the books after each. A failing order is
// printed as a list that runs it again.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/model/round.h"

namespace quartermaster::inventory {
namespace {

using testing::ExploreSchedules;
using testing::Scheduler;

TEST(InterleavingsTest, LastPiecesGoToExactlyOneOfTwoClerks) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler);
    round.Receive(5);
    Answer first = NoAnswer();
    Answer second = NoAnswer();
    round.AddPost("anna", AConsumption(5, 1), first);
    round.AddPost("boris", AConsumption(5, 2), second);

    round.Run();

    EXPECT_EQ(first.ok() + second.ok(), 1);
    EXPECT_EQ(ReasonOf(first.ok() ? second : first), "INSUFFICIENT_STOCK");
    EXPECT_EQ(round.OnHand(), 0);
  });
  EXPECT_TRUE(explored.is_complete);
}

TEST(InterleavingsTest, NeverGivesThreeClerksMoreThanThereIs) {
  const auto explored =
      ExploreSchedules({.limits = {.preemption_count_max = 2}}, [](Scheduler& scheduler) {
        Round round(scheduler);
        round.Receive(5);
        std::vector<Answer> answers(3, NoAnswer());
        round.AddPost("anna", AConsumption(3, 1), answers[0]);
        round.AddPost("boris", AConsumption(2, 2), answers[1]);
        round.AddPost("chen", AConsumption(3, 3), answers[2]);

        round.Run();

        const int64_t given = 3 * answers[0].ok() + 2 * answers[1].ok() + 3 * answers[2].ok();
        EXPECT_EQ(round.OnHand(), 5 - given);
        EXPECT_GE(given, 5) << "somebody was refused what was there";
      });
  EXPECT_TRUE(explored.is_complete);
}

TEST(InterleavingsTest, BothReceiptsIntoANewAccountCount) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler);
    Answer first = NoAnswer();
    Answer second = NoAnswer();
    round.AddPost("anna", AReceipt(3, 1), first);
    round.AddPost("boris", AReceipt(4, 2), second);

    round.Run();

    EXPECT_TRUE(first.ok() && second.ok());
    EXPECT_EQ(round.OnHand(), 7);
  });
  EXPECT_TRUE(explored.is_complete);
}

// The heart of "exactly once": the client lost its answer, or its patience, and repeats the call
// while the first is still at work on the very last pieces.
TEST(InterleavingsTest, RetryForTheLastPiecesGetsTheOriginalsAnswer) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler);
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

TEST(InterleavingsTest, RetryAndCompetitorForTheLastPiecesAgree) {
  const auto explored =
      ExploreSchedules({.limits = {.preemption_count_max = 2}}, [](Scheduler& scheduler) {
        Round round(scheduler);
        round.Receive(5);
        Answer original = NoAnswer();
        Answer retry = NoAnswer();
        Answer competitor = NoAnswer();
        round.AddPost("anna", AConsumption(5, 1), original);
        round.AddPost("anna", AConsumption(5, 1), retry);
        round.AddPost("boris", AConsumption(5, 2), competitor);

        round.Run();

        if (competitor.ok()) {
          EXPECT_EQ(ReasonOf(original), "INSUFFICIENT_STOCK");
          EXPECT_EQ(ReasonOf(retry), "INSUFFICIENT_STOCK");
        } else {
          ExpectSameMovement(original, retry);
        }
        EXPECT_EQ(round.OnHand(), 0);
      });
  EXPECT_TRUE(explored.is_complete);
}

// Goods arrive while a request that lacks them and its retry are at work. One of the two may be
// refused and the other succeed, in either order; what may not be is that both take the goods.
TEST(InterleavingsTest, RefusedRequestLeavesNoTraceAndIsDecidedAnew) {
  const auto explored =
      ExploreSchedules({.limits = {.preemption_count_max = 2}}, [](Scheduler& scheduler) {
        Round round(scheduler);
        Answer original = NoAnswer();
        Answer retry = NoAnswer();
        Answer receipt = NoAnswer();
        round.AddPost("anna", AConsumption(5, 1), original);
        round.AddPost("anna", AConsumption(5, 1), retry);
        round.AddPost("boris", AReceipt(5, 2), receipt);

        round.Run();

        ASSERT_TRUE(receipt.ok());
        const bool is_posted = original.ok() || retry.ok();
        EXPECT_EQ(round.OnHand(), is_posted ? 0 : 5);
        EXPECT_EQ(round.movement_count(), is_posted ? 2 : 1);
        if (original.ok() && retry.ok()) ExpectSameMovement(original, retry);
      });
  EXPECT_TRUE(explored.is_complete);
}

TEST(InterleavingsTest, OneRequestIdWithTwoContentsPostsOne) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler);
    Answer masks = NoAnswer();
    Answer others = NoAnswer();
    // They share no balance, so only the request id can tell.
    round.AddPost("anna", AReceipt(5, 1, kDepot, kMasks), masks);
    round.AddPost("anna", AReceipt(5, 1, kShelf, kOtherMasks), others);

    round.Run();

    EXPECT_EQ(masks.ok() + others.ok(), 1);
    EXPECT_EQ(ReasonOf(masks.ok() ? others : masks), "REQUEST_ID_REUSED");
    EXPECT_EQ(round.movement_count(), 1);
  });
  EXPECT_TRUE(explored.is_complete);
}

TEST(InterleavingsTest, OnePaperEntersOnceWhoeverBringsIt) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler);
    const SourceDocument paper = {.issuer = "ministry", .number = "2020-17", .line = 1};
    PostMovementCommand at_depot = AReceipt(5, 1);
    PostMovementCommand on_shelf = AReceipt(5, 2, kShelf, kOtherMasks);
    at_depot.source_document = on_shelf.source_document = paper;
    Answer first = NoAnswer();
    Answer second = NoAnswer();
    round.AddPost("anna", at_depot, first);
    round.AddPost("boris", on_shelf, second);

    round.Run();

    EXPECT_EQ(first.ok() + second.ok(), 1);
    EXPECT_EQ(ReasonOf(first.ok() ? second : first), "SOURCE_DOCUMENT_POSTED");
  });
  EXPECT_TRUE(explored.is_complete);
}

TEST(InterleavingsTest, LocksOfOppositeRelocationsNeverBlockEachOther) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler);
    round.Receive(5);
    EXPECT_TRUE(round.ledger().PostMovement(CallBy(), AReceipt(5, 1001, kShelf)).ok());
    const auto relocation = [](const char* from, const char* to, uint64_t request) {
      MovementLine line = ALine(kMasks, from, State::kAvailable, State::kAvailable, 2);
      line.destination.location = to;
      return PostMovementCommand{
          .reason = Reason::kRelocate, .lines = {line}, .request_id = RequestId(request)};
    };
    Answer there = NoAnswer();
    Answer back = NoAnswer();
    round.AddPost("anna", relocation(kDepot, kShelf, 1), there);
    round.AddPost("boris", relocation(kShelf, kDepot, 2), back);

    round.Run();

    EXPECT_TRUE(there.ok() && back.ok());
    EXPECT_EQ(round.OnHand(kDepotId), 5);
    EXPECT_EQ(round.OnHand(kShelfId), 5);
  });
  EXPECT_TRUE(explored.is_complete);
}

TEST(InterleavingsTest, ReversalAndConsumptionOfTheSamePiecesExcludeEachOther) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler);
    const Movement receipt = round.Receive(5);
    Answer consumption = NoAnswer();
    Answer reversal = NoAnswer();
    round.AddPost("anna", AConsumption(3, 1), consumption);
    round.AddReversal("boris", receipt.movement_id, 2, reversal);

    round.Run();

    EXPECT_EQ(consumption.ok() + reversal.ok(), 1);
    EXPECT_EQ(ReasonOf(consumption.ok() ? reversal : consumption), "INSUFFICIENT_STOCK");
    EXPECT_EQ(round.OnHand(), consumption.ok() ? 2 : 0);
  });
  EXPECT_TRUE(explored.is_complete);
}

TEST(InterleavingsTest, OneOfTwoReversalsWinsAndTheOtherLearnsItsName) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler);
    const Movement receipt = round.Receive(5);
    Answer first = NoAnswer();
    Answer second = NoAnswer();
    round.AddReversal("anna", receipt.movement_id, 1, first);
    round.AddReversal("boris", receipt.movement_id, 2, second);

    round.Run();

    ASSERT_EQ(first.ok() + second.ok(), 1);
    const Answer& winner = first.ok() ? first : second;
    const Answer& loser = first.ok() ? second : first;
    EXPECT_EQ(ReasonOf(loser), "ALREADY_REVERSED");
    EXPECT_NE(std::string(loser.status().message()).find(winner->movement_id.ToString()),
              std::string::npos);
    EXPECT_EQ(round.OnHand(), 0);
  });
  EXPECT_TRUE(explored.is_complete);
}

TEST(InterleavingsTest, RetryOfAReversalGetsTheOriginalsAnswer) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler);
    const Movement receipt = round.Receive(5);
    Answer original = NoAnswer();
    Answer retry = NoAnswer();
    round.AddReversal("anna", receipt.movement_id, 1, original);
    round.AddReversal("anna", receipt.movement_id, 1, retry);

    round.Run();

    ExpectSameMovement(original, retry);
    EXPECT_EQ(round.movement_count(), 2);
  });
  EXPECT_TRUE(explored.is_complete);
}

TEST(InterleavingsTest, PaperIsFreeAgainOnceItsMovementIsReversed) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler);
    PostMovementCommand wrong = AReceipt(5, 1000);
    wrong.source_document = {.issuer = "ministry", .number = "2020-17", .line = 1};
    const Answer posted = round.ledger().PostMovement(CallBy(), wrong);
    ASSERT_TRUE(posted.ok());
    PostMovementCommand right = AReceipt(6, 1);
    right.source_document = wrong.source_document;
    Answer reversal = NoAnswer();
    Answer anew = NoAnswer();
    round.AddReversal("anna", posted->movement_id, 2, reversal);
    round.AddPost("anna", right, anew);

    round.Run();

    EXPECT_TRUE(reversal.ok());
    EXPECT_EQ(round.OnHand(), anew.ok() ? 6 : 0);
    if (!anew.ok()) {
      EXPECT_EQ(ReasonOf(anew), "SOURCE_DOCUMENT_POSTED");
    }
  });
  EXPECT_TRUE(explored.is_complete);
}

TEST(InterleavingsTest, TransferAndClerkShareNoPiece) {
  const auto explored = ExploreSchedules({}, [](Scheduler& scheduler) {
    Round round(scheduler);
    round.Receive(5);
    Answer transfer = NoAnswer();
    Answer clerk = NoAnswer();
    round.AddDispatch(5, 77, transfer);
    round.AddPost("anna", AConsumption(5, 1), clerk);

    round.Run();

    EXPECT_EQ(transfer.ok() + clerk.ok(), 1);
    EXPECT_EQ(ReasonOf(transfer.ok() ? clerk : transfer), "INSUFFICIENT_STOCK");
    EXPECT_EQ(round.OnTheRoad(77), transfer.ok() ? 5 : 0);
    EXPECT_EQ(round.OnHand(), 0);
  });
  EXPECT_TRUE(explored.is_complete);
}

}  // namespace
}  // namespace quartermaster::inventory
