// Goal: no order of look-up, lock, insert and commit loses a posting, doubles one or denies one
// that is in the books. Method: the real ledger over books in memory whose every call is a step of
// a deterministic scheduler. Each test runs all orders of its actors' steps, or all with a stated
// number of preemptions, and looks at the answers and the books after each. A failing order is
// printed as a list that runs it again.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "inventory-svc/domain/stock_ledger.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"
#include "tests/harness/fake_stock_store.h"
#include "tests/harness/ledger_world.h"
#include "tests/harness/scheduler.h"

namespace quartermaster::inventory {
namespace {

using testing::ExploreOptions;
using testing::ExploreSchedules;
using testing::Scheduler;

using Answer = absl::StatusOr<Movement>;

// Nothing was answered: the actor crashed before.
Answer NoAnswer() { return absl::UnknownError("no answer"); }

std::string ReasonOf(const Answer& answer) {
  return answer.ok() ? "OK" : status::GetReason(answer.status());
}

// One schedule's books and ledger.
class Round {
 public:
  explicit Round(Scheduler& scheduler, int lost_commit_count_max = 0)
      : scheduler_(scheduler),
        store_(world_.lots(),
               {.scheduler = &scheduler, .lost_commit_count_max = lost_commit_count_max}),
        ledger_(store_, world_.units(), world_.items(), clock_, uuids_) {}

  // Before the race: masks are at the depot.
  Movement Receive(int64_t amount, uint64_t request = 1000) {
    const Answer received = ledger_.PostMovement(CallBy(), AReceipt(amount, request));
    EXPECT_TRUE(received.ok()) << received.status();
    return *received;
  }

  void AddPost(const std::string& caller, PostMovementCommand command, Answer& answer,
               bool may_crash = false) {
    scheduler_.AddActor(
        {.name = absl::StrCat(caller, " posts"),
         .body = [this, caller, command = std::move(command),
                  &answer] { answer = ledger_.PostMovement(CallBy(caller), command); },
         .may_crash = may_crash});
  }

  void AddReversal(const std::string& caller, const base::Uuid& movement_id, uint64_t request,
                   Answer& answer, bool may_crash = false) {
    scheduler_.AddActor({.name = absl::StrCat(caller, " reverses"),
                         .body =
                             [this, caller, movement_id, request, &answer] {
                               answer = ledger_.ReverseMovement(
                                   CallBy(caller),
                                   {.movement_id = movement_id, .request_id = RequestId(request)});
                             },
                         .may_crash = may_crash});
  }

  // A transfer leaves the depot: its own transaction, as the transfers' use case has it.
  void AddDispatch(int64_t amount, uint64_t document, Answer& answer, bool may_crash = false) {
    scheduler_.AddActor({.name = absl::StrCat("transfer ", document, " leaves"),
                         .body = [this, amount, document,
                                  &answer] { answer = Dispatch(amount, RequestId(document)); },
                         .may_crash = may_crash});
  }

  // Runs the schedule and looks at the books.
  void Run() {
    const absl::Status done = scheduler_.Run();
    EXPECT_TRUE(done.ok()) << done;
    const std::vector<std::string> violations = FindViolations(store_.books());
    EXPECT_TRUE(violations.empty()) << absl::StrJoin(violations, "\n");
  }

  int64_t OnHand(LocationId location = kDepotId, LotId lot = kMasksId) const {
    return store_.books().QuantityOf(KeyOf(location, State::kAvailable, lot));
  }
  int64_t OnTheRoad(uint64_t document) const {
    BalanceKey key = KeyOf(kRoomId, State::kInTransit);
    key.holder = RequestId(document);
    return store_.books().QuantityOf(key);
  }
  size_t movement_count() const { return store_.books().movements.size(); }
  StockLedger& ledger() { return ledger_; }

 private:
  Answer Dispatch(int64_t amount, const base::Uuid& document) {
    const base::Call call = CallBy("dispatcher");
    MovementLine line = ALine(kMasks, kDepot, State::kAvailable, State::kInTransit, amount);
    line.destination.location = kRoom;
    line.destination.holder = document;
    QM_ASSIGN_OR_RETURN(const ResolvedLines lines,
                        ledger_.Resolve(call.deadline, Reason::kDispatch, {line}));
    QM_RETURN_IF_ERROR(store_.MakeBalances(call.deadline, lines.Balances()));
    std::optional<Movement> posted;
    QM_RETURN_IF_ERROR(store_.Atomically(call.deadline, [&](StockBook& book) -> absl::Status {
      QM_ASSIGN_OR_RETURN(posted, ledger_.PostForDocument(call, book,
                                                          {.document = document,
                                                           .request_id = document,
                                                           .reason = Reason::kDispatch,
                                                           .lines = lines,
                                                           .occurred_time = clock_.Now()}));
      return absl::OkStatus();
    }));
    return *std::move(posted);
  }

  Scheduler& scheduler_;
  ManualClock clock_;
  CountingUuids uuids_{clock_};
  LedgerWorld world_;
  FakeStockStore store_;
  StockLedger ledger_;
};

void ExpectSameMovement(const Answer& one, const Answer& other) {
  ASSERT_TRUE(one.ok()) << one.status();
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(one->movement_id, other->movement_id);
  EXPECT_EQ(one->record_time, other->record_time);
  EXPECT_EQ(one->lines, other->lines);
}

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

}  // namespace
}  // namespace quartermaster::inventory
