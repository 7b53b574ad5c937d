#include "platform/rpc/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "platform/base/mutex.h"
#include "platform/status/error.h"

namespace quartermaster::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

// Stands still until it is told.
class TestClock final : public base::Clock {
 public:
  absl::Time Now() const override { return absl::FromUnixMicros(micros_); }
  void Advance(absl::Duration by) { micros_ += absl::ToInt64Microseconds(by); }

 private:
  std::atomic<int64_t> micros_ = 1'000'000;
};

class ExecutorsTest : public ::testing::Test {
 protected:
  static Executors::Options Small(int queue_max) {
    const Executors::ClassOptions one = {.thread_count = 1, .queue_max = queue_max};
    return {.read = one, .write = one, .posting = one, .report = one};
  }

  // Occupies the only thread of a class until `Release`.
  void Occupy(Executors& executors, CallClass call_class) {
    base::Notification running;
    ASSERT_EQ(executors.Submit(call_class, {.deadline = absl::InfiniteFuture(),
                                            .run =
                                                [&](const absl::Status&) {
                                                  running.Notify();
                                                  release_.WaitForNotification();
                                                }}),
              absl::OkStatus());
    running.WaitForNotification();
  }
  void Release() { release_.Notify(); }

  // Queues tasks of a caller until one is refused; returns how many were not, and the refusal.
  std::pair<int, absl::Status> Flood(Executors& executors, CallClass call_class,
                                     const std::string& caller,
                                     absl::Time deadline = absl::InfiniteFuture()) {
    for (int i = 0;; ++i) {
      const absl::Status queued = executors.Submit(
          call_class, {.deadline = deadline, .caller = caller, .run = [](const absl::Status&) {}});
      if (!queued.ok()) return {i, queued};
    }
  }

  absl::Status Queue(Executors& executors, CallClass call_class, std::optional<absl::Status>& turn,
                     absl::Time deadline = absl::InfiniteFuture(), int64_t bytes = 0) {
    return executors.Submit(call_class, {.deadline = deadline,
                                         .bytes = bytes,
                                         .run = [&](absl::Status s) { turn = std::move(s); }});
  }

  TestClock clock_;
  base::Notification release_;
};

TEST_F(ExecutorsTest, RunsHooksOnEachThread) {
  std::atomic<int> started = 0;
  std::atomic<int> ended = 0;
  {
    Executors::Options options = Small(1);
    options.read.thread_count = 3;
    options.thread_started = [&] { ++started; };
    options.thread_ended = [&] { ++ended; };
    const Executors executors(options, clock_);
  }
  EXPECT_EQ(started, 6);
  EXPECT_EQ(ended, 6);
}

TEST_F(ExecutorsTest, RunsInOrderOfArrival) {
  std::vector<int> order;
  std::latch left(3);
  Executors executors(Small(3), clock_);
  Occupy(executors, CallClass::kRead);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(executors.Submit(CallClass::kRead, {.deadline = absl::InfiniteFuture(),
                                                  .run =
                                                      [&, i](const absl::Status&) {
                                                        order.push_back(i);
                                                        left.count_down();
                                                      }}),
              absl::OkStatus());
  }
  Release();
  left.wait();
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
}

TEST_F(ExecutorsTest, RefusesWhatDoesNotFitTheQueue) {
  std::optional<absl::Status> first;
  std::optional<absl::Status> second;
  {
    Executors executors(Small(1), clock_);
    Occupy(executors, CallClass::kRead);
    EXPECT_EQ(Queue(executors, CallClass::kRead, first), absl::OkStatus());
    EXPECT_EQ(status::GetReason(Queue(executors, CallClass::kRead, second)), "OVERLOADED");
    Release();
  }
  EXPECT_TRUE(first.has_value());
  EXPECT_FALSE(second.has_value()) << "what was refused must not be run as well";
}

TEST_F(ExecutorsTest, DropsWhatIsLateWhenItsTurnComes) {
  std::optional<absl::Status> late;
  std::optional<absl::Status> in_time;
  {
    Executors executors(Small(2), clock_);
    Occupy(executors, CallClass::kRead);
    const absl::Time deadline = clock_.Now() + absl::Seconds(1);
    ASSERT_EQ(Queue(executors, CallClass::kRead, late, deadline), absl::OkStatus());
    ASSERT_EQ(Queue(executors, CallClass::kRead, in_time, deadline + absl::Microseconds(1)),
              absl::OkStatus());
    clock_.Advance(absl::Seconds(1));
    Release();
    while (executors.GetLoad(CallClass::kRead).queued_count > 0) std::this_thread::yield();
  }
  EXPECT_EQ(late->code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(*in_time, absl::OkStatus());
}

TEST_F(ExecutorsTest, GivesThePlacesOfLateTasksAway) {
  std::optional<absl::Status> late;
  std::optional<absl::Status> fresh;
  Executors executors(Small(1), clock_);
  Occupy(executors, CallClass::kRead);
  ASSERT_EQ(Queue(executors, CallClass::kRead, late, clock_.Now() + absl::Seconds(1), 10),
            absl::OkStatus());
  clock_.Advance(absl::Seconds(1));

  EXPECT_EQ(Queue(executors, CallClass::kRead, fresh), absl::OkStatus());

  ASSERT_TRUE(late.has_value());
  EXPECT_EQ(late->code(), absl::StatusCode::kDeadlineExceeded);
  Release();
}

// What one caller's flood leaves is for the others, in every class.
TEST_F(ExecutorsTest, RefusesACallerWhoHoldsMoreThanAQuarterOfAHalfFullQueue) {
  for (const CallClass call_class : kCallClasses) {
    base::Notification running;
    base::Notification release;
    Executors executors(Small(16), clock_);
    ASSERT_TRUE(executors
                    .Submit(call_class, {.deadline = absl::InfiniteFuture(),
                                         .caller = "persons/flood",
                                         .run =
                                             [&](const absl::Status&) {
                                               running.Notify();
                                               release.WaitForNotification();
                                             }})
                    .ok());
    running.WaitForNotification();

    const auto [flood_count, refused] = Flood(executors, call_class, "persons/flood");
    EXPECT_EQ(flood_count, 8);
    EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
    const status::ErrorDetail detail = status::GetErrorDetail(refused);
    EXPECT_EQ(detail.reason, "CALLER_OVERLOADED");
    EXPECT_GT(detail.retry_after, absl::ZeroDuration());
    EXPECT_THAT(detail.metadata, ElementsAre(Pair("waiting", "8"), Pair("waiting_max", "4")));

    EXPECT_EQ(Flood(executors, call_class, "persons/anna").first, 4);
    EXPECT_EQ(Flood(executors, call_class, "persons/bert").first, 4);
    EXPECT_EQ(status::GetReason(Flood(executors, call_class, "persons/chen").second), "OVERLOADED");
    release.Notify();
  }
}

TEST_F(ExecutorsTest, CountsATaskOutWhenItRunsAndWhenItIsLate) {
  Executors executors(Small(16), clock_);
  Occupy(executors, CallClass::kReport);
  const absl::Time soon = clock_.Now() + absl::Seconds(1);
  EXPECT_EQ(Flood(executors, CallClass::kReport, "persons/anna", soon).first, 8);

  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Flood(executors, CallClass::kReport, "persons/anna").first, 8) << "those were late";

  Release();
  while (executors.GetLoad(CallClass::kReport).queued_count > 0) std::this_thread::yield();
  base::Notification running;
  base::Notification release;
  ASSERT_TRUE(executors
                  .Submit(CallClass::kReport, {.deadline = absl::InfiniteFuture(),
                                               .run =
                                                   [&](const absl::Status&) {
                                                     running.Notify();
                                                     release.WaitForNotification();
                                                   }})
                  .ok());
  running.WaitForNotification();
  EXPECT_EQ(Flood(executors, CallClass::kReport, "persons/anna").first, 8) << "those have run";
  release.Notify();
}

TEST_F(ExecutorsTest, JudgesNoShareOfTasksThatAreNobodys) {
  Executors executors(Small(16), clock_);
  Occupy(executors, CallClass::kPosting);

  const auto [count, refused] = Flood(executors, CallClass::kPosting, "");

  EXPECT_EQ(count, 16);
  EXPECT_EQ(status::GetReason(refused), "OVERLOADED");
  Release();
}

TEST_F(ExecutorsTest, CountsTheBytesThatWait) {
  std::optional<absl::Status> turns[3];
  Executors::Options options = Small(10);
  options.queued_bytes_max = 100;
  {
    Executors executors(options, clock_);
    Occupy(executors, CallClass::kRead);
    EXPECT_EQ(Queue(executors, CallClass::kRead, turns[0], absl::InfiniteFuture(), 60),
              absl::OkStatus());
    EXPECT_EQ(status::GetReason(
                  Queue(executors, CallClass::kWrite, turns[1], absl::InfiniteFuture(), 41)),
              "OVERLOADED");
    EXPECT_EQ(Queue(executors, CallClass::kWrite, turns[2], absl::InfiniteFuture(), 40),
              absl::OkStatus());
    Release();
  }
}

TEST_F(ExecutorsTest, RefusesReportsFirst) {
  // Before the executors, which may answer them when they end.
  std::optional<absl::Status> turns[4];
  std::optional<absl::Status> waiting;
  Executors::Options options = Small(2);
  options.queued_bytes_max = 100;
  Executors executors(options, clock_);
  EXPECT_EQ(Queue(executors, CallClass::kReport, turns[0], absl::InfiniteFuture(), 50),
            absl::OkStatus());
  EXPECT_EQ(
      status::GetReason(Queue(executors, CallClass::kReport, turns[1], absl::InfiniteFuture(), 51)),
      "OVERLOADED")
      << "half of the memory is for others";
  Occupy(executors, CallClass::kWrite);
  EXPECT_EQ(Queue(executors, CallClass::kReport, turns[2]), absl::OkStatus());
  ASSERT_EQ(Queue(executors, CallClass::kWrite, waiting), absl::OkStatus());

  EXPECT_EQ(status::GetReason(Queue(executors, CallClass::kReport, turns[3])), "OVERLOADED")
      << "the queue of writes is half full";
  Release();
}

TEST_F(ExecutorsTest, AnswersWhatWaitsWhenItShutsDown) {
  std::optional<absl::Status> waiting;
  std::optional<absl::Status> after;
  Executors executors(Small(2), clock_);
  Occupy(executors, CallClass::kRead);
  ASSERT_EQ(Queue(executors, CallClass::kRead, waiting), absl::OkStatus());

  executors.RefuseWork();

  ASSERT_TRUE(waiting.has_value());
  EXPECT_EQ(waiting->code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status::GetReason(Queue(executors, CallClass::kRead, after)), "SHUTTING_DOWN");
  Release();
}

}  // namespace
}  // namespace quartermaster::rpc
