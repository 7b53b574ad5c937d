#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "inventory-svc/domain/stock_ledger.h"
#include "inventory-svc/lanes/turn_runner.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"
#include "tests/harness/fake_stock_store.h"
#include "tests/harness/ledger_world.h"
#include "tests/harness/scheduler.h"

// What the tests of interleavings are told in.
namespace quartermaster::inventory {

using Answer = absl::StatusOr<Movement>;

// Nothing was answered: the actor crashed before.
inline Answer NoAnswer() { return absl::UnknownError("no answer"); }

inline std::string ReasonOf(const Answer& answer) {
  return answer.ok() ? "OK" : status::GetReason(answer.status());
}

// One schedule's books and ledger.
class Round {
 public:
  explicit Round(testing::Scheduler& scheduler, int lost_commit_count_max = 0)
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

  // One posting of a turn, and where its answer goes.
  struct LanePosting {
    std::string caller;
    PostMovementCommand command;
    Answer* answer;
  };

  // A posting lane that runs one turn.
  void AddLane(const std::string& name, std::vector<LanePosting> postings, bool may_crash = false) {
    scheduler_.AddActor({.name = absl::StrCat("lane ", name),
                         .body =
                             [this, postings = std::move(postings)] {
                               std::vector<PendingPosting> waiting;
                               for (const LanePosting& posting : postings) {
                                 waiting.push_back(*ledger_.PreparePosting(CallBy(posting.caller),
                                                                           posting.command));
                               }
                               Turn turn;
                               for (const PendingPosting& one : waiting) turn.push_back(&one);
                               std::vector<PostingAnswer> answers = turns_.Run(turn);
                               for (size_t i = 0; i < answers.size(); ++i) {
                                 *postings[i].answer = std::move(answers[i]);
                               }
                             },
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
  // Transactions that were run again, and turns that were taken apart.
  int64_t rerun_count() const { return store_.rerun_count(); }
  int64_t split_count() const { return turns_.split_count(); }

 private:
  Answer Dispatch(int64_t amount, const base::Uuid& document) {
    const base::Call call = CallBy("dispatcher");
    MovementLine line = ALine(kMasks, kDepot, State::kAvailable, State::kInTransit, amount);
    line.destination.location = kRoom;
    line.destination.holder = document;
    QM_ASSIGN_OR_RETURN(const ResolvedLines lines,
                        ledger_.Resolve(call.deadline, Reason::kDispatch, {line}, nullptr));
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

  testing::Scheduler& scheduler_;
  ManualClock clock_;
  CountingUuids uuids_{clock_};
  LedgerWorld world_;
  FakeStockStore store_;
  StockLedger ledger_;
  TurnRunner turns_{store_, ledger_, clock_, {}};
};

inline void ExpectSameMovement(const Answer& one, const Answer& other) {
  ASSERT_TRUE(one.ok()) << one.status();
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(one->movement_id, other->movement_id);
  EXPECT_EQ(one->record_time, other->record_time);
  EXPECT_EQ(one->lines, other->lines);
}

}  // namespace quartermaster::inventory
