// Who gets a place among the calls to a service when there are too few: before a server that holds
// every call until it is told.

#include "gateway/routes/upstream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "gateway/testing/fake_inventory.h"
#include "gateway/testing/gateway_world.h"
#include "gateway/testing/raw_client.h"
#include "platform/rpc/status_codec.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

namespace pb = inventory::v1;
using ::testing::ElementsAre;
using ::testing::Pair;

// What became of the calls, by their callers: reasons, or OK.
class Outcomes {
 public:
  void Add(const std::string& caller, const grpc::Status& status) {
    const absl::Status told = rpc::FromGrpcStatus(status);
    base::MutexLock lock(&mutex_);
    ++counts_[caller][told.ok() ? "OK" : status::GetReason(told)];
    last_ = told;
  }
  std::map<std::string, int> Of(const std::string& caller) {
    base::MutexLock lock(&mutex_);
    return counts_[caller];
  }
  status::ErrorDetail last_detail() {
    base::MutexLock lock(&mutex_);
    return status::GetErrorDetail(last_);
  }

 private:
  base::Mutex mutex_;
  std::map<std::string, std::map<std::string, int>> counts_ ABSL_GUARDED_BY(mutex_);
  absl::Status last_ ABSL_GUARDED_BY(mutex_);
};

// Reads whatever comes.
class ReadingSink final : public Upstream::StreamSink {
 public:
  ReadingSink(std::string caller, Outcomes& outcomes)
      : caller_(std::move(caller)), outcomes_(outcomes) {}

  // Must be called once; the first message may have come.
  void SetStream(Upstream::Stream& stream) {
    base::MutexLock lock(&mutex_);
    stream_ = &stream;
    if (has_message_) stream_->Next();
  }
  void OnMessage(grpc::ByteBuffer) override {
    base::MutexLock lock(&mutex_);
    has_message_ = true;
    changed_.SignalAll();
    if (stream_ != nullptr) stream_->Next();
  }
  void OnEnd(const grpc::Status& status) override { outcomes_.Add(caller_, status); }
  bool AwaitMessage() {
    base::MutexLock lock(&mutex_);
    return changed_.AwaitWithTimeout(
        &mutex_, kPatience, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return has_message_; });
  }

 private:
  const std::string caller_;
  Outcomes& outcomes_;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool has_message_ ABSL_GUARDED_BY(mutex_) = false;
  Upstream::Stream* stream_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

class UpstreamTest : public ::testing::Test {
 protected:
  UpstreamTest() { inventory_.Hold(); }
  ~UpstreamTest() override { End(); }

  void Start(Upstream::Options options) {
    options.name = "inventory";
    options.posting_paths = {kPostMovement};
    upstream_ = std::make_unique<Upstream>(
        options,
        std::vector{grpc::CreateChannel(inventory_.address(), grpc::InsecureChannelCredentials())},
        clock_);
  }

  void Call(const std::string& path, const std::string& caller, int count = 1) {
    for (int i = 0; i < count; ++i) {
      upstream_->Forward(path, ACall(caller), Nothing(),
                         [this, caller](const grpc::Status& status, grpc::ByteBuffer&) {
                           outcomes_.Add(caller, status);
                         });
    }
  }

  void OpenStreams(const std::string& caller, int count) {
    for (int i = 0; i < count; ++i) {
      sinks_.push_back(std::make_unique<ReadingSink>(caller, outcomes_));
      streams_.push_back(
          upstream_->ForwardStream(kWatch, ACall(caller), Nothing(), *sinks_.back()));
      sinks_.back()->SetStream(*streams_.back());
    }
  }

  // Lets the service answer what it holds, and waits until it has.
  void End() {
    inventory_.Release();
    for (const auto& stream : streams_) stream->Cancel();
    upstream_->AwaitNoCalls();
  }

  static EdgeCall ACall(const std::string& caller) {
    return {.call = {.caller = {.name = caller, .grants = {}},
                     .deadline = absl::Now() + absl::Seconds(60),
                     .method = "",
                     .trace = {}},
            .authorization = "",
            .identity_token = "signed"};
  }
  static grpc::ByteBuffer Nothing() {
    const grpc::Slice nothing("");
    return grpc::ByteBuffer(&nothing, 1);
  }

  const std::string kGetUnit = "/quartermaster.inventory.v1.Units/GetUnit";
  const std::string kPostMovement = "/quartermaster.inventory.v1.Ledger/PostMovement";
  const std::string kWatch = "/quartermaster.inventory.v1.Records/Watch";
  const base::SystemClock clock_;
  FakeInventory inventory_;
  Outcomes outcomes_;
  std::vector<std::unique_ptr<ReadingSink>> sinks_;
  std::vector<std::shared_ptr<Upstream::Stream>> streams_;
  std::unique_ptr<Upstream> upstream_;
};

TEST_F(UpstreamTest, RefusesACallerWhoWouldHoldMoreThanAQuarterOnceHalfAreTaken) {
  Start({.calls_max = 16});

  Call(kGetUnit, "persons/flood", 20);
  EXPECT_THAT(outcomes_.Of("persons/flood"), ElementsAre(Pair("CALLER_OVERLOADED", 12)));
  const status::ErrorDetail detail = outcomes_.last_detail();
  EXPECT_THAT(detail.metadata, ElementsAre(Pair("waiting", "8"), Pair("waiting_max", "4")));
  EXPECT_GT(detail.retry_after, absl::ZeroDuration());

  Call(kGetUnit, "persons/anna", 4);
  Call(kGetUnit, "persons/boris", 4);
  EXPECT_TRUE(inventory_.AwaitCalls(16)) << "others have places left";
  Call(kGetUnit, "persons/chen");
  EXPECT_THAT(outcomes_.Of("persons/chen"), ElementsAre(Pair("OVERLOADED", 1)));

  inventory_.Release();
  upstream_->AwaitNoCalls();
  EXPECT_EQ(outcomes_.Of("persons/flood")["OK"], 8);
  EXPECT_THAT(outcomes_.Of("persons/anna"), ElementsAre(Pair("OK", 4)));
  EXPECT_THAT(outcomes_.Of("persons/boris"), ElementsAre(Pair("OK", 4)));
}

TEST_F(UpstreamTest, ACallThatHasEndedHoldsNoPlace) {
  Start({.calls_max = 16, .postings_max = 16});
  for (const std::string& path : {kGetUnit, kPostMovement}) {
    inventory_.Hold();
    const int before = outcomes_.Of("persons/flood")["OK"];
    Call(path, "persons/flood", 8);
    inventory_.Release();
    upstream_->AwaitNoCalls();
    EXPECT_EQ(outcomes_.Of("persons/flood")["OK"], before + 8) << path;
  }
  EXPECT_EQ(upstream_->call_count(), 0);
  Call(kGetUnit, "persons/flood", 8);
  Call(kPostMovement, "persons/flood", 8);
  upstream_->AwaitNoCalls();

  EXPECT_THAT(outcomes_.Of("persons/flood"), ElementsAre(Pair("OK", 32)));
}

TEST_F(UpstreamTest, PostingsAndOtherCallsDoNotTakeOneAnothersPlaces) {
  Start({.calls_max = 4, .postings_max = 4});
  for (const char* caller : {"persons/a", "persons/b", "persons/c", "persons/d", "persons/e"}) {
    Call(kPostMovement, caller);
  }
  EXPECT_THAT(outcomes_.Of("persons/e"), ElementsAre(Pair("OVERLOADED", 1)));

  for (const char* caller : {"persons/f", "persons/g", "persons/h", "persons/i", "persons/j"}) {
    Call(kGetUnit, caller);
  }

  EXPECT_TRUE(inventory_.AwaitCalls(8));
  EXPECT_THAT(outcomes_.Of("persons/j"), ElementsAre(Pair("OVERLOADED", 1)));
  EXPECT_EQ(upstream_->call_count(), 8);
}

TEST_F(UpstreamTest, StreamsHaveSharesOfTheirOwn) {
  Start({.calls_max = 100, .streams_max = 8});

  OpenStreams("persons/flood", 6);
  EXPECT_THAT(outcomes_.Of("persons/flood"), ElementsAre(Pair("CALLER_OVERLOADED", 2)));
  OpenStreams("persons/anna", 2);
  EXPECT_TRUE(sinks_.back()->AwaitMessage());
  OpenStreams("persons/boris", 2);
  OpenStreams("persons/chen", 1);
  EXPECT_THAT(outcomes_.Of("persons/chen"), ElementsAre(Pair("OVERLOADED", 1)));
  EXPECT_EQ(upstream_->call_count(), 8);

  End();
  EXPECT_EQ(upstream_->call_count(), 0);
  inventory_.Hold();
  OpenStreams("persons/flood", 1);
  EXPECT_TRUE(sinks_.back()->AwaitMessage());
}

class CrowdedGatewayTest : public GatewayWorld {
 protected:
  // Begins a call of the person's, which the service holds.
  void Begin(const std::string& person, bool is_posting) {
    callers_.emplace_back([this, person, is_posting] {
      grpc::ClientContext context;
      Authorize(context, TokenOf(person, {{"custodian", "units/city"}}));
      grpc::Status status;
      if (is_posting) {
        pb::Movement movement;
        status = pb::Ledger::NewStub(Connect())->PostMovement(&context, {}, &movement);
      } else {
        pb::Unit unit;
        status = pb::Units::NewStub(Connect())->GetUnit(&context, {}, &unit);
      }
      outcomes_.Add(person, status);
    });
  }
  ~CrowdedGatewayTest() override {
    inventory_.Release();
    for (std::thread& caller : callers_) caller.join();
  }

  Outcomes outcomes_;
  std::vector<std::thread> callers_;
};

// As it is put together: postings are told by their class, callers by who they are.
TEST_F(CrowdedGatewayTest, AFloodOfPostingsStopsNeitherReadsNorThePostingsOfOthers) {
  options_.inventory_calls_max = 4;
  options_.inventory_postings_max = 4;
  Start();
  inventory_.Hold();
  Begin("flood", true);
  Begin("flood", true);
  ASSERT_TRUE(inventory_.AwaitCalls(2));

  Begin("flood", true);
  callers_.back().join();
  callers_.pop_back();
  EXPECT_THAT(outcomes_.Of("flood"), ElementsAre(Pair("CALLER_OVERLOADED", 1)));

  Begin("anna", true);
  Begin("boris", true);
  ASSERT_TRUE(inventory_.AwaitCalls(4));
  Begin("chen", true);
  callers_.back().join();
  callers_.pop_back();
  EXPECT_THAT(outcomes_.Of("chen"), ElementsAre(Pair("OVERLOADED", 1)));
  Begin("chen", false);
  Begin("flood", false);
  EXPECT_TRUE(inventory_.AwaitCalls(6));
}

}  // namespace
}  // namespace quartermaster::gateway
