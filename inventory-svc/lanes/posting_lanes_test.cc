#include "inventory-svc/lanes/posting_lanes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "inventory-svc/lanes/test_postings.h"
#include "platform/base/together.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// Books whose transactions wait at a gate.
class GatedStore final : public StockStore {
 public:
  explicit GatedStore(StockStore& store) : store_(store) {}

  void Shut() {
    base::MutexLock lock(&mutex_);
    is_open_ = false;
  }
  void Open() {
    base::MutexLock lock(&mutex_);
    is_open_ = true;
    changed_.SignalAll();
  }
  // Lets the next transaction end with an exception.
  void ThrowOnce() { throws_ = true; }
  int waiting_count() const { return waiting_count_; }

  absl::Status Atomically(absl::Time deadline,
                          absl::FunctionRef<absl::Status(StockBook&)> body) override {
    {
      base::MutexLock lock(&mutex_);
      ++waiting_count_;
      changed_.Await(&mutex_, [&] { return is_open_; });
      --waiting_count_;
    }
    if (throws_.exchange(false)) throw std::runtime_error("told to");
    return store_.Atomically(deadline, body);
  }
  absl::Status MakeBalances(absl::Time deadline, std::vector<BalanceKey> keys) override {
    return store_.MakeBalances(deadline, std::move(keys));
  }
  absl::StatusOr<std::optional<EarlierRequest>> FindRequest(absl::Time deadline,
                                                            const RequestKey& request) override {
    return store_.FindRequest(deadline, request);
  }
  absl::StatusOr<std::optional<Movement>> FindMovement(absl::Time deadline,
                                                       const base::Uuid& movement_id) override {
    return store_.FindMovement(deadline, movement_id);
  }
  bool MayBeOneMovementsFault(const absl::Status& status) const override {
    return store_.MayBeOneMovementsFault(status);
  }
  absl::StatusOr<std::vector<LotRow>> FindLots(absl::Time deadline,
                                               const std::vector<std::string>& names) override {
    return store_.FindLots(deadline, names);
  }
  absl::StatusOr<std::vector<LotId>> FindHeldLots(absl::Time deadline,
                                                  const std::vector<LotId>& lots,
                                                  const std::vector<UnitId>& units) override {
    return store_.FindHeldLots(deadline, lots, units);
  }

 private:
  StockStore& store_;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool is_open_ ABSL_GUARDED_BY(mutex_) = true;
  std::atomic<int> waiting_count_ = 0;
  std::atomic<bool> throws_ = false;
};

// What one call was answered.
struct Call {
  base::Notification done;
  PostingGroup::Answers answers = absl::UnknownError("no answer");
  int answer_count = 0;
};

class PostingLanesTest : public ::testing::Test {
 protected:
  void Start(const PostingLanes::Options& options) {
    lanes_.emplace(runner_, world_.clock, metrics_, options);
  }
  void TearDown() override {
    gate_.Open();
    lanes_.reset();
    EXPECT_THAT(FindViolations(world_.store.books()), IsEmpty());
  }

  void Post(std::vector<PendingPosting> postings, Call& call,
            absl::Duration patience = absl::Hours(1)) {
    lanes_->Post(std::move(postings), world_.clock.Now() + patience,
                 [&call](PostingGroup::Answers answers) {
                   call.answers = std::move(answers);
                   ++call.answer_count;
                   call.done.Notify();
                 });
  }
  // Lets one call begin its turn, which then waits at the gate.
  void Occupy(Call& call, uint64_t request) {
    gate_.Shut();
    Post({world_.Prepare(AReceipt(1, request))}, call);
    ASSERT_TRUE(WaitUntil([&] { return gate_.waiting_count() > 0; }));
  }

  LaneWorld world_;
  GatedStore gate_{world_.store};
  StockLedger ledger_{gate_, world_.world.units(), world_.world.items(), world_.clock,
                      world_.uuids};
  TurnRunner runner_{gate_, ledger_, world_.clock, {}};
  telemetry::Metrics metrics_{"test"};
  std::optional<PostingLanes> lanes_;
};

// Also run under ThreadSanitizer.
TEST_F(PostingLanesTest, AnswersEveryCallOnceWhoeverBringsIt) {
  constexpr int kThreadCount = 8;
  constexpr int kCallsPerThread = 100;
  Start({.lane_count = 2});
  std::atomic<int> ok_count = 0;
  std::atomic<int> answer_count = 0;
  std::vector<std::thread> threads;

  for (int thread = 0; thread < kThreadCount; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kCallsPerThread; ++i) {
        // Each second request of a thread is its neighbour's too: twins, across the lanes.
        const auto request =
            static_cast<uint64_t>(1 + i * kThreadCount + (i % 2 ? thread & ~1 : thread));
        std::vector<PendingPosting> postings;
        postings.push_back(world_.Prepare(AReceipt(1, request)));
        lanes_->Post(std::move(postings), world_.clock.Now() + absl::Hours(1),
                     [&](const PostingGroup::Answers& answers) {
                       if (answers.ok() && answers->front().ok()) ++ok_count;
                       ++answer_count;
                     });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  lanes_->Drain();

  EXPECT_EQ(answer_count, kThreadCount * kCallsPerThread);
  EXPECT_EQ(ok_count, kThreadCount * kCallsPerThread);
  EXPECT_EQ(world_.OnHand(), kThreadCount * kCallsPerThread * 3 / 4);
}

TEST_F(PostingLanesTest, PostsWhatWaitsInOneTurn) {
  Start({.lane_count = 1});
  Call first;
  Occupy(first, 1);
  std::vector<Call> calls(20);
  for (size_t i = 0; i < calls.size(); ++i) {
    Post({world_.Prepare(AReceipt(1, 10 + i))}, calls[i]);
  }

  gate_.Open();
  for (Call& call : calls) ASSERT_TRUE(call.done.WaitForNotificationWithTimeout(absl::Seconds(30)));

  for (Call& call : calls) {
    ASSERT_TRUE(call.answers.ok());
    EXPECT_TRUE(call.answers->front().ok());
  }
  EXPECT_THAT(metrics_.Render(), HasSubstr("qm_test_posting_turns_total 2"));
}

// Goal: who brings many calls may send their answers by one message.
TEST_F(PostingLanesTest, AnswersTheCallsOfATurnTogether) {
  struct Message final : base::PutOff {
    void DoNow() override {
      sizes.push_back(std::exchange(answer_count, 0));
      sent.Notify();
    }
    int answer_count = 0;
    std::vector<int> sizes;
    base::Notification sent;
  };
  const auto message = std::make_shared<Message>();
  Start({.lane_count = 1});
  Call first;
  Occupy(first, 1);
  for (uint64_t i = 0; i < 20; ++i) {
    std::vector<PendingPosting> postings;
    postings.push_back(world_.Prepare(AReceipt(1, 10 + i)));
    lanes_->Post(std::move(postings), world_.clock.Now() + absl::Hours(1),
                 [message](const PostingGroup::Answers&) {
                   ++message->answer_count;
                   EXPECT_TRUE(base::PutOff::ToTheEnd(message));
                 });
  }

  gate_.Open();
  ASSERT_TRUE(message->sent.WaitForNotificationWithTimeout(absl::Seconds(30)));

  EXPECT_THAT(message->sizes, ElementsAre(20));
}

// Goal: answers that cannot be sent cost the lane nothing.
TEST_F(PostingLanesTest, GoesOnWhenTheAnswersOfATurnThrow) {
  struct Message final : base::PutOff {
    void DoNow() override { throw std::runtime_error("told to"); }
  };
  Start({.lane_count = 1});
  Call first;
  Occupy(first, 1);
  std::vector<PendingPosting> postings;
  postings.push_back(world_.Prepare(AReceipt(1, 10)));
  lanes_->Post(std::move(postings), world_.clock.Now() + absl::Hours(1),
               [message = std::make_shared<Message>()](const PostingGroup::Answers&) {
                 EXPECT_TRUE(base::PutOff::ToTheEnd(message));
               });
  Call next;
  Post({world_.Prepare(AReceipt(1, 11))}, next);

  gate_.Open();
  lanes_->Drain();

  ASSERT_TRUE(next.answers.ok());
  EXPECT_TRUE(next.answers->front().ok());
  EXPECT_THAT(metrics_.Render(), HasSubstr("qm_test_posting_exceptions_total 1"));
}

TEST_F(PostingLanesTest, KeepsTheOrderOfACallsPostingsAcrossTurns) {
  Start({.lane_count = 2, .turn = {.postings_max = 4}});
  std::vector<PendingPosting> postings;
  for (uint64_t i = 0; i < 10; ++i) {
    postings.push_back(world_.Prepare(AReceipt(1, 2 * i + 1)));
    postings.push_back(world_.Prepare(AConsumption(1, 2 * i + 2)));
  }
  Call call;

  Post(std::move(postings), call);
  ASSERT_TRUE(call.done.WaitForNotificationWithTimeout(absl::Seconds(30)));

  ASSERT_TRUE(call.answers.ok());
  ASSERT_EQ(call.answers->size(), 20);
  for (const PostingAnswer& answer : *call.answers) EXPECT_TRUE(answer.ok()) << answer.status();
}

TEST_F(PostingLanesTest, RefusesMoreThanMayWaitAndSaysWhenToComeBack) {
  Start({.lane_count = 1, .queued_postings_max = 2});
  Call first, second, third, fourth;
  Occupy(first, 1);

  Post({world_.Prepare(AReceipt(1, 2), "anna")}, second);
  Post({world_.Prepare(AReceipt(1, 3), "bert")}, third);
  Post({world_.Prepare(AReceipt(1, 4), "cora")}, fourth);

  ASSERT_TRUE(fourth.done.HasBeenNotified());
  EXPECT_TRUE(absl::IsResourceExhausted(fourth.answers.status()));
  EXPECT_EQ(status::GetReason(fourth.answers.status()), "OVERLOADED");
  EXPECT_GT(status::GetErrorDetail(fourth.answers.status()).retry_after, absl::ZeroDuration());
  EXPECT_FALSE(third.done.HasBeenNotified());
  gate_.Open();
  EXPECT_TRUE(third.done.WaitForNotificationWithTimeout(absl::Seconds(30)));
}

// One caller's flood leaves room for the others, and alone fills no more than half of the queue.
TEST_F(PostingLanesTest, RefusesACallerWhoHoldsMoreThanAQuarterOfAHalfFullQueue) {
  Start({.lane_count = 1, .queued_postings_max = 16});
  Call occupying;
  Occupy(occupying, 1);
  std::vector<Call> flood(10);
  for (size_t i = 0; i < flood.size(); ++i) {
    Post({world_.Prepare(AReceipt(1, 10 + i))}, flood[i]);
  }
  std::vector<Call> others(8);
  for (size_t i = 0; i < others.size(); ++i) {
    const std::string caller = i % 2 == 0 ? "anna" : "bert";
    Post({world_.Prepare(AReceipt(1, 30 + i), caller)}, others[i]);
  }

  for (size_t i = 0; i < flood.size(); ++i) {
    EXPECT_EQ(flood[i].done.HasBeenNotified(), i >= 8) << i;
  }
  for (const Call& call : others) EXPECT_FALSE(call.done.HasBeenNotified());
  const absl::Status refused = flood.back().answers.status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  const status::ErrorDetail detail = status::GetErrorDetail(refused);
  EXPECT_EQ(detail.reason, "CALLER_OVERLOADED");
  EXPECT_GT(detail.retry_after, absl::ZeroDuration());
  EXPECT_THAT(detail.metadata, ElementsAre(Pair("waiting", "8"), Pair("waiting_max", "4")));
  gate_.Open();
  lanes_->Drain();
}

TEST_F(PostingLanesTest, CountsTheLinesOfACallerToo) {
  Start({.lane_count = 1, .queued_lines_max = 16});
  Call occupying;
  Occupy(occupying, 1);
  std::vector<Call> flood(9);
  for (size_t i = 0; i < flood.size(); ++i) {
    Post({world_.Prepare(AReceipt(1, 10 + i))}, flood[i]);
  }
  Call other;
  Post({world_.Prepare(AReceipt(1, 30), "anna")}, other);

  ASSERT_TRUE(flood.back().done.HasBeenNotified());
  EXPECT_EQ(status::GetReason(flood.back().answers.status()), "CALLER_OVERLOADED");
  EXPECT_FALSE(other.done.HasBeenNotified());
  gate_.Open();
  lanes_->Drain();
}

// What a call's end throws is our own fault, and costs that call alone.
TEST_F(PostingLanesTest, SurvivesAnEndOfACallThatThrows) {
  Start({.lane_count = 1});
  lanes_->Post({world_.Prepare(AReceipt(1, 1))}, world_.clock.Now() + absl::Hours(1),
               [](const PostingGroup::Answers&) { throw std::runtime_error("told to"); });
  Call second;
  Post({world_.Prepare(AReceipt(1, 2))}, second);

  ASSERT_TRUE(second.done.WaitForNotificationWithTimeout(absl::Seconds(30)));
  EXPECT_TRUE(second.answers.ok() && second.answers->front().ok());
  EXPECT_THAT(metrics_.Render(), HasSubstr("qm_test_posting_exceptions_total 1"));
}

// Whether such a turn was committed is not known here: its callers learn it by repeating the call.
TEST_F(PostingLanesTest, SurvivesATurnThatThrows) {
  Start({.lane_count = 1});
  Call first, second;
  gate_.ThrowOnce();
  Post({world_.Prepare(AReceipt(1, 1))}, first);
  ASSERT_TRUE(first.done.WaitForNotificationWithTimeout(absl::Seconds(30)));
  Post({world_.Prepare(AReceipt(1, 2))}, second);

  ASSERT_TRUE(second.done.WaitForNotificationWithTimeout(absl::Seconds(30)));
  ASSERT_TRUE(first.answers.ok());
  EXPECT_EQ(status::GetReason(first.answers->front().status()), "OUTCOME_UNKNOWN");
  EXPECT_TRUE(second.answers.ok() && second.answers->front().ok());
  EXPECT_TRUE(lanes_->CheckMoving().ok());
  EXPECT_THAT(metrics_.Render(), HasSubstr("qm_test_posting_exceptions_total 1"));
}

TEST_F(PostingLanesTest, TellsACallWhoseTimeIsOverWhileItWaits) {
  Start({.lane_count = 1});
  Call first, second;
  Occupy(first, 1);
  Post({world_.Prepare(AReceipt(1, 2))}, second, absl::Seconds(5));

  world_.clock.Advance(absl::Seconds(6));
  ASSERT_TRUE(second.done.WaitForNotificationWithTimeout(absl::Seconds(30)));
  gate_.Open();
  ASSERT_TRUE(first.done.WaitForNotificationWithTimeout(absl::Seconds(30)));
  lanes_->Drain();

  EXPECT_TRUE(absl::IsDeadlineExceeded(second.answers.status()));
  EXPECT_EQ(world_.OnHand(), 1) << "what was given up in the queue is not posted";
}

TEST_F(PostingLanesTest, TellsACallWhoseTimeIsOverInItsTurnAndPostsItAllTheSame) {
  Start({.lane_count = 1});
  gate_.Shut();
  Call call;
  Post({world_.Prepare(AReceipt(1, 1))}, call, absl::Seconds(5));
  ASSERT_TRUE(WaitUntil([&] { return gate_.waiting_count() > 0; }));

  world_.clock.Advance(absl::Seconds(6));
  ASSERT_TRUE(call.done.WaitForNotificationWithTimeout(absl::Seconds(30)));
  gate_.Open();
  lanes_->Drain();

  EXPECT_TRUE(absl::IsDeadlineExceeded(call.answers.status()));
  EXPECT_EQ(call.answer_count, 1);
  EXPECT_EQ(world_.OnHand(), 1);
}

TEST_F(PostingLanesTest, IsNotReadyWhileALaneDoesNotMove) {
  Start({.lane_count = 1, .stall_time = absl::Seconds(10)});
  Call call;
  Occupy(call, 1);
  EXPECT_TRUE(lanes_->CheckMoving().ok());

  world_.clock.Advance(absl::Seconds(11));

  EXPECT_TRUE(absl::IsUnavailable(lanes_->CheckMoving()));
  EXPECT_TRUE(WaitUntil([&] {
    return metrics_.Render().find("qm_test_posting_stalled_lanes_count 1") != std::string::npos;
  }));
  gate_.Open();
  ASSERT_TRUE(call.done.WaitForNotificationWithTimeout(absl::Seconds(30)));
  EXPECT_TRUE(WaitUntil([&] { return lanes_->CheckMoving().ok(); }));
}

TEST_F(PostingLanesTest, FinishesWhatWaitsBeforeItCloses) {
  Start({.lane_count = 1});
  Call first, second, late;
  Occupy(first, 1);
  Post({world_.Prepare(AReceipt(1, 2))}, second);

  std::thread drain([&] { lanes_->Drain(); });
  // The gate stays shut until a call is refused: what waits is then still to be posted.
  std::list<Call> probes;
  ASSERT_TRUE(WaitUntil([&] {
    Post({world_.Prepare(AReceipt(1, 3))}, probes.emplace_back());
    return probes.back().done.HasBeenNotified();
  }));
  EXPECT_EQ(status::GetReason(probes.back().answers.status()), "SHUTTING_DOWN");
  EXPECT_FALSE(second.done.HasBeenNotified());
  gate_.Open();
  drain.join();
  Post({world_.Prepare(AReceipt(1, 4))}, late);

  EXPECT_TRUE(second.answers.ok() && second.answers->front().ok());
  EXPECT_EQ(status::GetReason(late.answers.status()), "SHUTTING_DOWN");
}

}  // namespace
}  // namespace quartermaster::inventory
