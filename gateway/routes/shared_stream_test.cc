// The gateway's end of the stream that many calls share, before a server that does what each test
// tells it to.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gateway/routes/shared_calls.h"
#include "platform/base/clock.h"
#include "quartermaster/inventory/v1/ledger.grpc.pb.h"

namespace quartermaster::gateway {
namespace {

namespace relay = internal::v1;
using ::testing::ElementsAre;

constexpr absl::Duration kPatience = absl::Seconds(20);

// Takes calls in and answers them at once, or when it is told to.
class FakeRelay final : public relay::Relay::Service {
 public:
  using Stream =
      grpc::ServerReaderWriter<relay::PostForCallersResponse, relay::PostForCallersRequest>;

  grpc::Status PostForCallers(grpc::ServerContext* context, Stream* stream) override {
    {
      base::MutexLock lock(&mutex_);
      ++stream_count_;
      if (!refusal_.ok()) return refusal_;
    }
    context->AddInitialMetadata("qm-relay", "1");
    stream->SendInitialMetadata();
    relay::PostForCallersRequest request;
    while (stream->Read(&request)) {
      base::MutexLock lock(&mutex_);
      for (const auto& call : request.calls()) calls_.push_back({call, stream});
      for (const int64_t number : request.cancelled_numbers()) cancelled_.push_back(number);
      changed_.SignalAll();
      if (is_holding_) continue;
      for (const auto& call : request.calls()) AnswerTo(call, stream);
    }
    // The gateway has closed its side: what came is answered before the end.
    base::MutexLock lock(&mutex_);
    changed_.Await(&mutex_, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !is_holding_; });
    return grpc::Status::OK;
  }

  void RefuseStreams(const grpc::Status& refusal) {
    base::MutexLock lock(&mutex_);
    refusal_ = refusal;
  }
  void Hold() {
    base::MutexLock lock(&mutex_);
    is_holding_ = true;
  }
  // Answers all that came, and from now on at once.
  void Release() {
    base::MutexLock lock(&mutex_);
    if (is_holding_) {
      for (const auto& [call, stream] : calls_) AnswerTo(call, stream);
    }
    is_holding_ = false;
    changed_.SignalAll();
  }
  void SayClosing() {
    base::MutexLock lock(&mutex_);
    relay::PostForCallersResponse response;
    response.set_is_closing(true);
    calls_.back().second->Write(response);
  }

  bool AwaitCalls(size_t count) {
    base::MutexLock lock(&mutex_);
    return changed_.AwaitWithTimeout(&mutex_, kPatience, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return calls_.size() >= count;
    });
  }
  bool AwaitCancelled() {
    base::MutexLock lock(&mutex_);
    return changed_.AwaitWithTimeout(
        &mutex_, kPatience, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !cancelled_.empty(); });
  }
  relay::CarriedCall call(size_t index) {
    base::MutexLock lock(&mutex_);
    return calls_[index].first;
  }
  std::vector<int64_t> cancelled() {
    base::MutexLock lock(&mutex_);
    return cancelled_;
  }
  int stream_count() {
    base::MutexLock lock(&mutex_);
    return stream_count_;
  }

 private:
  static void AnswerTo(const relay::CarriedCall& call, Stream* stream) {
    relay::PostForCallersResponse response;
    relay::CarriedAnswer& answer = *response.add_answers();
    answer.set_number(call.number());
    if (call.identity() == "nobody") {
      answer.set_code(grpc::StatusCode::UNAUTHENTICATED);
      answer.set_message("who are you");
      answer.set_details("details");
    } else {
      answer.set_response(absl::StrCat("answer to ", call.request()));
    }
    stream->Write(response);
  }

  base::Mutex mutex_;
  base::CondVar changed_;
  grpc::Status refusal_ ABSL_GUARDED_BY(mutex_);
  bool is_holding_ ABSL_GUARDED_BY(mutex_) = false;
  int stream_count_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::pair<relay::CarriedCall, Stream*>> calls_ ABSL_GUARDED_BY(mutex_);
  std::vector<int64_t> cancelled_ ABSL_GUARDED_BY(mutex_);
};

// Remembers how it ended.
class HeardCall final : public SharedCall {
 public:
  explicit HeardCall(std::string what, absl::Duration time_left = absl::Seconds(60))
      : what_(std::move(what)) {
    identity = "somebody";
    traceparent = "trace of " + what_;
    deadline = absl::Now() + time_left;
    request = what_;
  }

  void Answer(const grpc::Status& status, grpc::ByteBuffer response) override {
    grpc::Slice slice;
    const bool has_bytes = response.Valid() && response.DumpToSingleSlice(&slice).ok();
    End(absl::StrCat(status.error_code(), " ", status.error_message(), status.error_details(),
                     has_bytes ? std::string(slice.begin(), slice.end()) : ""));
  }
  void GoAlone() override { End("alone"); }

  // Waits for the end: the code, the text and the details, or the response; or `alone`.
  std::string Await() {
    base::MutexLock lock(&mutex_);
    ended_.AwaitWithTimeout(&mutex_, kPatience,
                            [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !end_.empty(); });
    return end_;
  }

 private:
  void End(std::string end) {
    base::MutexLock lock(&mutex_);
    EXPECT_EQ(end_, "") << "ended twice: " << end;
    end_ = std::move(end);
    ended_.SignalAll();
  }

  const std::string what_;
  base::Mutex mutex_;
  base::CondVar ended_;
  std::string end_ ABSL_GUARDED_BY(mutex_);
};

class SharedStreamTest : public ::testing::Test {
 protected:
  ~SharedStreamTest() override {
    relay_.Release();
    shared_.reset();
    if (server_ != nullptr) server_->Shutdown(absl::ToChronoTime(absl::Now()));
  }

  void Start(const SharedCalls::Options& options = {}, bool has_relay = true) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(has_relay ? static_cast<grpc::Service*>(&relay_) : &other_);
    server_ = builder.BuildAndStart();
    const auto channel =
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials());
    shared_ = std::make_unique<SharedCalls>(options, std::vector{channel}, clock_);
  }

  std::shared_ptr<HeardCall> Take(const std::string& what,
                                  absl::Duration time_left = absl::Seconds(60)) {
    auto call = std::make_shared<HeardCall>(what, time_left);
    EXPECT_TRUE(shared_->Take(call)) << what;
    return call;
  }

  const base::SystemClock clock_;
  FakeRelay relay_;
  inventory::v1::Ledger::Service other_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<SharedCalls> shared_;
};

TEST_F(SharedStreamTest, GivesEachCallItsOwnAnswer) {
  Start({.message_calls_max = 3, .message_bytes_max = 100});
  std::vector<std::shared_ptr<HeardCall>> calls;
  for (int i = 0; i < 200; ++i) calls.push_back(Take(absl::StrCat("call ", i)));
  const auto nobody = std::make_shared<HeardCall>("a call");
  nobody->identity = "nobody";
  ASSERT_TRUE(shared_->Take(nobody));

  for (int i = 0; i < 200; ++i) EXPECT_EQ(calls[i]->Await(), absl::StrCat("0 answer to call ", i));
  EXPECT_EQ(nobody->Await(), "16 who are youdetails");
  EXPECT_EQ(relay_.stream_count(), 1);
  EXPECT_EQ(relay_.call(7).traceparent(), "trace of call 7");
  EXPECT_GT(relay_.call(7).time_left_us(), 30'000'000);
}

TEST_F(SharedStreamTest, ACutStreamLeavesItsCallsUnavailable) {
  relay_.Hold();
  Start();
  const auto call = Take("lost");
  ASSERT_TRUE(relay_.AwaitCalls(1));

  std::thread release([&] { server_->Shutdown(absl::ToChronoTime(absl::Now())); });
  EXPECT_EQ(call->Await(), "14 ");
  relay_.Release();
  release.join();
  server_.reset();
  // What comes when nobody is there goes alone, to hear so itself.
  EXPECT_EQ(Take("too late")->Await(), "alone");
}

TEST_F(SharedStreamTest, AServerThatDoesNotKnowTheStreamIsNotAskedAgain) {
  Start({}, false);

  EXPECT_EQ(Take("first")->Await(), "alone");

  EXPECT_FALSE(shared_->Take(std::make_shared<HeardCall>("second")));
}

TEST_F(SharedStreamTest, WhatARefusedStreamCarriedGoesAloneAndTheNextIsTried) {
  relay_.RefuseStreams(grpc::Status(grpc::StatusCode::UNAVAILABLE, "stopping", "details"));
  Start();
  EXPECT_EQ(Take("first")->Await(), "alone");

  relay_.RefuseStreams(grpc::Status::OK);

  EXPECT_EQ(Take("second")->Await(), "0 answer to second");
}

TEST_F(SharedStreamTest, ACancelledCallEndsAtOnceAndTheOtherEndHearsOfIt) {
  relay_.Hold();
  Start();
  const auto cancelled = Take("cancelled");
  const auto other = Take("other");
  ASSERT_TRUE(relay_.AwaitCalls(2));

  shared_->Cancel(*cancelled);

  EXPECT_EQ(cancelled->Await(), "1 ");
  ASSERT_TRUE(relay_.AwaitCancelled());
  EXPECT_THAT(relay_.cancelled(), ElementsAre(relay_.call(0).number()));
  // Its answer comes all the same, for nobody.
  relay_.Release();
  EXPECT_EQ(other->Await(), "0 answer to other");
  shared_->Cancel(*other);
}

TEST_F(SharedStreamTest, ALateCallEndsWhileOthersWait) {
  relay_.Hold();
  Start();
  const auto patient = Take("patient");
  const auto hasty = Take("hasty", absl::Milliseconds(100));

  EXPECT_EQ(hasty->Await(), "4 ");

  EXPECT_TRUE(relay_.AwaitCalls(1));
  relay_.Release();
  EXPECT_EQ(patient->Await(), "0 answer to patient");
}

TEST_F(SharedStreamTest, LargeRequestsAreNotTaken) {
  Start({.request_bytes_max = 10});

  EXPECT_FALSE(shared_->Take(std::make_shared<HeardCall>("eleven byte")));
  EXPECT_EQ(Take("ten bytes!")->Await(), "0 answer to ten bytes!");
}

TEST_F(SharedStreamTest, AStreamThatIsClosingAnswersWhatItHasWhileAnotherTakesCalls) {
  relay_.Hold();
  Start();
  const auto before = Take("before");
  ASSERT_TRUE(relay_.AwaitCalls(1));

  relay_.SayClosing();

  std::vector<std::shared_ptr<HeardCall>> after;
  const absl::Time deadline = absl::Now() + kPatience;
  while (relay_.stream_count() < 2 && absl::Now() < deadline) {
    after.push_back(Take("after"));
    ASSERT_TRUE(relay_.AwaitCalls(1 + after.size()));
  }
  EXPECT_EQ(relay_.stream_count(), 2);
  relay_.Release();
  EXPECT_EQ(before->Await(), "0 answer to before");
  for (const auto& call : after) EXPECT_EQ(call->Await(), "0 answer to after");
}

TEST_F(SharedStreamTest, AStreamGrowsOldAndIsReplacedWithoutLoss) {
  Start({.stream_count = 2, .stream_age_max = absl::Milliseconds(1)});

  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(Take("call")->Await(), "0 answer to call");
    absl::SleepFor(absl::Milliseconds(1));
  }

  EXPECT_GT(relay_.stream_count(), 2);
}

}  // namespace
}  // namespace quartermaster::gateway
