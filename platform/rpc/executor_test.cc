#include "platform/rpc/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <optional>
#include <thread>

#include "platform/base/mutex.h"
#include "platform/status/error.h"

namespace quartermaster::rpc {
namespace {

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
  EXPECT_THAT(order, ::testing::ElementsAre(0, 1, 2));
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
