#include "gateway/routes/shared_calls.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>

namespace quartermaster::gateway {
namespace {

namespace pb = internal::v1;

using Ends = grpc::ServerReaderWriter<pb::PostForCallersResponse, pb::PostForCallersRequest>;

constexpr absl::Duration kPatience = absl::Seconds(10);

// Something that happens once, or more often.
class Event {
 public:
  void Happen() {
    base::MutexLock lock(&mutex_);
    has_happened_ = true;
    changed_.SignalAll();
  }
  // False if it does not in a long time.
  bool Await() {
    base::MutexLock lock(&mutex_);
    return changed_.AwaitWithTimeout(
        &mutex_, kPatience,
        [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return has_happened_; });
  }

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  bool has_happened_ ABSL_GUARDED_BY(mutex_) = false;
};

class HeldClock final : public base::Clock {
 public:
  absl::Time Now() const override { return absl::FromUnixMicros(micros_); }
  void Advance(absl::Duration time) { micros_ += absl::ToInt64Microseconds(time); }

 private:
  std::atomic<int64_t> micros_ = 1'700'000'000'000'000;
};

// A service that does with a stream what the test says.
class ToldRelay final : public pb::Relay::Service {
 public:
  using Handler = std::function<grpc::Status(grpc::ServerContext&, Ends&)>;
  explicit ToldRelay(Handler handler) : handler_(std::move(handler)) {}

  grpc::Status PostForCallers(grpc::ServerContext* context, Ends* ends) override {
    return handler_(*context, *ends);
  }

 private:
  const Handler handler_;
};

// Keeps how it ended.
class KeptCall final : public SharedCall {
 public:
  KeptCall(absl::string_view text, absl::Time until) : text_(text) {
    request = text_;
    deadline = until;
  }
  void Answer(const grpc::Status& status, grpc::ByteBuffer) override {
    code = status.error_code();
    ++end_count;
    ended.Happen();
  }
  void GoAlone() override {
    went_alone = true;
    ++end_count;
    ended.Happen();
  }

  bool AwaitEnd() { return ended.Await(); }

  Event ended;
  grpc::StatusCode code = grpc::StatusCode::UNKNOWN;
  bool went_alone = false;
  std::atomic<int> end_count = 0;

 private:
  const std::string text_;
};

class SharedCallsTest : public ::testing::Test {
 protected:
  // Serves every stream by `handler`.
  void Start(ToldRelay::Handler handler) {
    relay_ = std::make_unique<ToldRelay>(std::move(handler));
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(relay_.get());
    server_ = builder.BuildAndStart();
    channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                                   grpc::InsecureChannelCredentials());
    calls_ = std::make_unique<SharedCalls>(SharedCalls::Options{}, std::vector{channel_}, clock_);
  }
  ~SharedCallsTest() override {
    calls_.reset();
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  }

  std::shared_ptr<KeptCall> Take(absl::string_view text) {
    auto call = std::make_shared<KeptCall>(text, clock_.Now() + absl::Hours(1));
    EXPECT_TRUE(calls_->Take(call));
    return call;
  }

  static void Greet(grpc::ServerContext& context, Ends& ends) {
    context.AddInitialMetadata("qm-relay", "1");
    ends.SendInitialMetadata();
  }

  // Outlive the streams that use them.
  Event has_first_;
  Event has_cancelled_;
  std::atomic<int> stream_count_ = 0;

  HeldClock clock_;
  std::unique_ptr<ToldRelay> relay_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<SharedCalls> calls_;
};

// A stream that takes no more calls still has those that were sent: the other end must hear when
// nobody waits for one of them, and may not be sent anything after it was told that all was sent.
TEST_F(SharedCallsTest, CancelsACallOfAStreamThatTakesNoMore) {
  Start([&](grpc::ServerContext& context, Ends& ends) {
    Greet(context, ends);
    const bool is_first = stream_count_++ == 0;
    pb::PostForCallersRequest request;
    while (ends.Read(&request)) {
      if (!is_first) {
        pb::PostForCallersResponse response;
        for (const auto& call : request.calls()) response.add_answers()->set_number(call.number());
        ends.Write(response);
        continue;
      }
      if (request.calls_size() > 0) has_first_.Happen();
      if (request.cancelled_numbers_size() > 0) has_cancelled_.Happen();
    }
    // As if the posting took its time.
    if (is_first) has_cancelled_.Await();
    return grpc::Status::OK;
  });

  const auto first = Take("first");
  ASSERT_TRUE(has_first_.Await());
  clock_.Advance(absl::Minutes(1));
  const auto second = Take("second");
  ASSERT_TRUE(second->AwaitEnd());
  calls_->Cancel(*first);

  ASSERT_TRUE(first->AwaitEnd());
  EXPECT_EQ(first->code, grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(has_cancelled_.Await());
}

// What was sent by a stream that was greeted may be in the books.
TEST_F(SharedCallsTest, TellsOfALostStreamOnlyThoseThatWereSent) {
  Start([&](grpc::ServerContext& context, Ends& ends) {
    Greet(context, ends);
    pb::PostForCallersRequest request;
    ends.Read(&request);
    return grpc::Status(grpc::StatusCode::INTERNAL, "lost");
  });

  const auto call = Take("one");

  ASSERT_TRUE(call->AwaitEnd());
  EXPECT_FALSE(call->went_alone);
  EXPECT_EQ(call->code, grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(call->end_count, 1);
}

TEST_F(SharedCallsTest, LetsGoAloneWhatNobodyTookIn) {
  Start([&](grpc::ServerContext&, Ends&) {
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "shutting down");
  });

  const auto call = Take("one");

  ASSERT_TRUE(call->AwaitEnd());
  EXPECT_TRUE(call->went_alone);
  EXPECT_EQ(call->end_count, 1);
}

}  // namespace
}  // namespace quartermaster::gateway
