#include "platform/rpc/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "platform/rpc/status_codec.h"
#include "platform/rpc/test_service.h"
#include "platform/status/error.h"

namespace quartermaster::rpc {
namespace {

using ::testing::HasSubstr;

TEST(DeadlineTest, LeavesTimeToAnswer) {
  const absl::Time now = absl::FromUnixSeconds(1000);
  EXPECT_EQ(DeadlineForCallee(now + absl::Seconds(10), now), now + absl::Milliseconds(9495));
  EXPECT_LT(DeadlineForCallee(now + absl::Milliseconds(5), now), now);
}

TEST(ChannelsTest, RefusesPlaintextOnANetwork) {
  const absl::Status status =
      Channels::Make({.target = "depot.example.org:7000", .is_plaintext = true}).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("depot.example.org:7000"));
}

class ChannelsToServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    program_.units.get_unit = [this](const base::Call& call, const auto&, auto&) {
      seen_ = call;
      return ++attempt_count_ <= failure_count_ ? failure_ : absl::OkStatus();
    };
    program_.Start();
  }

  absl::Status GetUnit(Channels& channels) {
    base::Call call{.deadline = absl::Now() + absl::Seconds(30),
                    .trace = {.trace_id = std::string(32, 'a'), .span_id = std::string(16, 'b')}};
    grpc::ClientContext context;
    ActAs(context, "persons/reader", "units.read");
    PrepareContext(call, "", absl::Now(), context);
    pb::Unit unit;
    return FromGrpcStatus(pb::Units::NewStub(channels.Next())->GetUnit(&context, {}, &unit));
  }

  std::unique_ptr<Channels> Connect(const std::vector<std::string>& idempotent_methods) {
    absl::StatusOr<std::unique_ptr<Channels>> channels =
        Channels::Make({.target = program_.server->address(),
                        .is_plaintext = true,
                        .idempotent_methods = idempotent_methods});
    EXPECT_EQ(channels.status(), absl::OkStatus());
    return *std::move(channels);
  }

  TestProgram program_;
  base::Call seen_;
  absl::Status failure_ = status::StorageUnavailable("gone");
  std::atomic<int> failure_count_ = 0;
  std::atomic<int> attempt_count_ = 0;
};

TEST_F(ChannelsToServiceTest, PassesDeadlineAndTraceOn) {
  const std::unique_ptr<Channels> channels = Connect({});

  ASSERT_EQ(GetUnit(*channels), absl::OkStatus());

  EXPECT_EQ(seen_.trace.trace_id, std::string(32, 'a'));
  EXPECT_LT(seen_.deadline, absl::Now() + absl::Seconds(30) * 0.96);
  EXPECT_GT(seen_.deadline, absl::Now() + absl::Seconds(20));
}

TEST_F(ChannelsToServiceTest, RetriesOnlyWhatMayBeRepeated) {
  failure_count_ = 2;
  EXPECT_EQ(GetUnit(*Connect({})).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(attempt_count_, 1);

  attempt_count_ = 0;
  EXPECT_EQ(GetUnit(*Connect({kGetUnit})), absl::OkStatus());
  EXPECT_EQ(attempt_count_, 3);

  attempt_count_ = 0;
  EXPECT_EQ(GetUnit(*Connect({"quartermaster.inventory.v1.Units"})), absl::OkStatus());
  EXPECT_EQ(attempt_count_, 3);

  attempt_count_ = 0;
  EXPECT_EQ(GetUnit(*Connect({kCreateUnit})).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(attempt_count_, 1);
}

TEST_F(ChannelsToServiceTest, DoesNotRetryARefusal) {
  failure_ = status::Overloaded("full", absl::Milliseconds(1));
  failure_count_ = 1;

  EXPECT_EQ(status::GetReason(GetUnit(*Connect({kGetUnit}))), "OVERLOADED");
  EXPECT_EQ(attempt_count_, 1);
}

// Goal: a service that is down gets hardly more calls than were made.
TEST_F(ChannelsToServiceTest, StopsRetryingWhenNothingSucceeds) {
  failure_count_ = 1'000'000;
  ClientOptions options = {.target = program_.server->address(),
                           .is_plaintext = true,
                           .connection_count = 1,
                           .idempotent_methods = {kGetUnit}};
  const absl::StatusOr<std::unique_ptr<Channels>> channels = Channels::Make(options);
  ASSERT_EQ(channels.status(), absl::OkStatus());

  for (int i = 0; i < 100; ++i) ASSERT_FALSE(GetUnit(**channels).ok());

  EXPECT_LE(attempt_count_, 110);
}

}  // namespace
}  // namespace quartermaster::rpc
