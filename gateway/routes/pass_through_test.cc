#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gateway/testing/gateway_world.h"
#include "gateway/testing/raw_client.h"
#include "platform/base/mutex.h"
#include "platform/rpc/status_codec.h"
#include "platform/status/error.h"
#include "platform/telemetry/trace.h"

namespace quartermaster::gateway {
namespace {

namespace pb = inventory::v1;
using ::testing::HasSubstr;
using ::testing::Not;

class PassThroughTest : public GatewayWorld {
 protected:
  absl::Status GetUnit(const std::shared_ptr<grpc::Channel>& channel, grpc::ClientContext& context,
                       pb::Unit* answer = nullptr) {
    pb::GetUnitRequest request;
    request.set_name("units/qinghe");
    pb::Unit unit;
    const grpc::Status status =
        pb::Units::NewStub(channel)->GetUnit(&context, request, answer == nullptr ? &unit : answer);
    return rpc::FromGrpcStatus(status);
  }

  absl::Status GetUnit(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    Authorize(context);
    return GetUnit(channel, context);
  }
};

TEST_F(PassThroughTest, PassesACallOnAndTheAnswerBack) {
  Start();
  grpc::ClientContext context;
  Authorize(context);
  pb::Unit unit;

  const absl::Status status = GetUnit(Connect(), context, &unit);

  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(unit.name(), "units/qinghe");
  EXPECT_EQ(unit.title().zh(), "清河派出所");
}

// Goal: a service hears who asks, and the trace, and nothing else that a caller wrote.
// Method: a caller that sends everything; what the service heard is compared whole, and the
// identity is verified with the gateway's public key.
TEST_F(PassThroughTest, TellsTheServiceWhoAsksAndNothingElseOfTheCallers) {
  Start();
  const base::TraceContext trace = telemetry::StartTrace();
  grpc::ClientContext context;
  Authorize(context);
  context.AddMetadata("traceparent", telemetry::RenderTraceparent(trace));
  context.AddMetadata("qm-identity", "forged");
  context.AddMetadata("x-forwarded-for", "10.0.0.1");
  context.AddMetadata("cookie", "secret");

  ASSERT_TRUE(GetUnit(Connect(), context).ok());

  auto metadata = inventory_.last().metadata;
  EXPECT_EQ(metadata.count("authorization"), 0u);
  EXPECT_EQ(metadata.count("x-forwarded-for"), 0u);
  EXPECT_EQ(metadata.count("cookie"), 0u);
  ASSERT_EQ(metadata.count("traceparent"), 1u);
  EXPECT_THAT(metadata.find("traceparent")->second, HasSubstr(trace.trace_id));
  ASSERT_EQ(metadata.count("qm-identity"), 1u);
  const std::string identity = metadata.find("qm-identity")->second;
  const auto minter = auth::IdentityMinter::Make(options_.identity_key, {});
  const auth::JwtVerifier verifier({.issuer = auth::kGatewayIssuer,
                                    .audience = auth::kServicesAudience,
                                    .types = {auth::kIdentityType}});
  const auto keys = auth::KeySet::Parse((*minter)->RenderJwks());
  const absl::StatusOr<auth::Claims> claims = verifier.Verify(identity, *keys, absl::Now());
  ASSERT_TRUE(claims.ok()) << claims.status();
  EXPECT_EQ(claims->subject, "lin");
  ASSERT_EQ(claims->grants.size(), 1u);
  EXPECT_EQ(claims->grants[0].role, "dispatcher");
}

// Each message of a stream is passed on as it comes, and then how it ended, with its details.
TEST_F(PassThroughTest, PassesAStreamOnMessageByMessageAndItsEnd) {
  Start();
  inventory_.FailWith(
      status::MakeError(absl::StatusCode::kResourceExhausted, "too slow",
                        {.reason = "READER_TOO_SLOW", .metadata = {{"sequence", "13"}}}));
  grpc::ClientContext context;
  context.AddMetadata("authorization", Token());
  const auto stub = pb::Records::NewStub(Connect());
  pb::WatchRequest request;
  request.set_after_sequence(10);

  const auto reader = stub->Watch(&context, request);
  std::vector<int64_t> sequences;
  for (type::v1::RecordBatch batch; reader->Read(&batch);) sequences.push_back(batch.sequence());
  const absl::Status ended = rpc::FromGrpcStatus(reader->Finish());

  EXPECT_THAT(sequences, ::testing::ElementsAre(11, 12, 13));
  EXPECT_EQ(status::GetReason(ended), "READER_TOO_SLOW");
  // A stream that nobody bounds lasts longer than a call without a deadline, and not for ever.
  EXPECT_GT(inventory_.last().deadline, absl::Now() + absl::Seconds(30));
  EXPECT_LT(inventory_.last().deadline, absl::Now() + absl::Seconds(60));
}

TEST_F(PassThroughTest, CancelsAStreamWhoseCallerGoes) {
  Start();
  inventory_.Hold();
  const auto stub = pb::Records::NewStub(Connect());
  {
    grpc::ClientContext context;
    Authorize(context);
    const auto reader = stub->Watch(&context, pb::WatchRequest());
    type::v1::RecordBatch batch;
    ASSERT_TRUE(reader->Read(&batch));
    ASSERT_TRUE(inventory_.AwaitCalls(1));
    context.TryCancel();
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }

  EXPECT_TRUE(inventory_.AwaitCancelled(1));
}

TEST_F(PassThroughTest, LeavesTimeToAnswerWhenItPassesTheDeadlineOn) {
  Start();
  grpc::ClientContext context;
  context.AddMetadata("authorization", Token());
  const absl::Time deadline = absl::Now() + absl::Seconds(8);
  context.set_deadline(absl::ToChronoTime(deadline));

  ASSERT_TRUE(GetUnit(Connect(), context).ok());

  EXPECT_LT(inventory_.last().deadline, deadline - absl::Milliseconds(300));
  EXPECT_GT(inventory_.last().deadline, deadline - absl::Seconds(2));
}

TEST_F(PassThroughTest, BoundsDeadlinesThatAreLongOrAbsent) {
  options_.server.limits.default_deadline = absl::Seconds(5);
  options_.server.limits.deadline_max = absl::Seconds(20);
  Start();
  const auto channel = Connect();
  grpc::ClientContext without;
  without.AddMetadata("authorization", Token());
  ASSERT_TRUE(GetUnit(channel, without).ok());
  EXPECT_LT(inventory_.last().deadline, absl::Now() + absl::Seconds(5));

  grpc::ClientContext with_a_day;
  with_a_day.AddMetadata("authorization", Token());
  with_a_day.set_deadline(absl::ToChronoTime(absl::Now() + absl::Hours(24)));
  ASSERT_TRUE(GetUnit(channel, with_a_day).ok());
  EXPECT_LT(inventory_.last().deadline, absl::Now() + absl::Seconds(20));
  EXPECT_GT(inventory_.last().deadline, absl::Now() + absl::Seconds(15));
}

TEST_F(PassThroughTest, PassesAnErrorOnWithItsDetails) {
  Start();
  inventory_.FailWith(status::MakeError(
      absl::StatusCode::kFailedPrecondition, "line 1: not enough",
      {.reason = "INSUFFICIENT_STOCK", .metadata = {{"line", "1"}, {"available", "5"}}}));

  const absl::Status status = GetUnit(Connect());

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "line 1: not enough");
  EXPECT_EQ(status::GetErrorDetail(status).reason, "INSUFFICIENT_STOCK");
  EXPECT_EQ(status::GetErrorDetail(status).metadata.size(), 2u);
}

TEST_F(PassThroughTest, RefusesWhoMayNotAskWithoutAskingTheService) {
  Start();
  const auto channel = Connect();

  grpc::ClientContext nobody;
  EXPECT_EQ(GetUnit(channel, nobody).code(), absl::StatusCode::kUnauthenticated);

  grpc::ClientContext forged;
  Authorize(forged, "Bearer abc.def.ghi");
  EXPECT_EQ(GetUnit(channel, forged).code(), absl::StatusCode::kUnauthenticated);

  grpc::ClientContext without_role;
  Authorize(without_role, TokenOf("hu", {}));
  const absl::Status denied = GetUnit(channel, without_role);
  EXPECT_EQ(denied.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(status::GetReason(denied), "PERMISSION_DENIED");

  EXPECT_EQ(inventory_.call_count(), 0);
}

TEST_F(PassThroughTest, KnowsNoMethodThatIsNotDeclared) {
  Start();
  grpc::GenericStub stub(Connect());
  for (const std::string path :
       {"/quartermaster.inventory.v1.Units/Nope", "/quartermaster.inventory.v1.Ghosts/GetUnit",
        "/x", "/grpc.lb.v1.LoadBalancer/BalanceLoad"}) {
    grpc::ClientContext context;
    Authorize(context);
    const grpc::Slice nothing("");
    const grpc::ByteBuffer request(&nothing, 1);
    grpc::ByteBuffer response;
    base::Notification done;
    grpc::Status status;
    stub.UnaryCall(&context, path, grpc::StubOptions(), &request, &response, [&](grpc::Status got) {
      status = std::move(got);
      done.Notify();
    });
    done.WaitForNotification();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED) << path;
    EXPECT_EQ(status::GetReason(rpc::FromGrpcStatus(status)), "METHOD_UNKNOWN") << path;
  }
}

// Begins a call and ends it without a word, as a client of a stream may.
class Wordless final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Wordless(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
           grpc::ClientContext& context)
      : stub_(channel) {
    stub_.PrepareBidiStreamingCall(&context, path, grpc::StubOptions(), this);
    StartWritesDone();
    StartRead(&answer_);
    StartCall();
  }
  absl::Status Await() {
    done_.WaitForNotification();
    return rpc::FromGrpcStatus(status_);
  }

 private:
  void OnDone(const grpc::Status& status) override {
    status_ = status;
    done_.Notify();
  }

  grpc::GenericStub stub_;
  grpc::ByteBuffer answer_;
  grpc::Status status_;
  base::Notification done_;
};

TEST_F(PassThroughTest, SaysThatTheRequestIsMissing) {
  Start();
  const auto channel = Connect();
  for (const std::string path :
       {"/quartermaster.inventory.v1.Units/GetUnit", "/quartermaster.inventory.v1.Records/Watch"}) {
    grpc::ClientContext context;
    Authorize(context);

    const absl::Status status = Wordless(channel, path, context).Await();

    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << path;
    EXPECT_EQ(status::GetReason(status), "REQUEST_MISSING") << path;
  }
  EXPECT_EQ(inventory_.call_count(), 0);
}

TEST_F(PassThroughTest, UnpacksWhatACallerPacked) {
  Start();
  grpc::ClientContext context;
  Authorize(context);
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  pb::GetUnitRequest request;
  request.set_name("units/" + std::string(2000, 'q'));
  pb::Unit unit;

  const grpc::Status status = pb::Units::NewStub(Connect())->GetUnit(&context, request, &unit);

  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(unit.name(), request.name());
}

TEST_F(PassThroughTest, RefusesPoisonousMetadataAndLeavesOthersAlone) {
  Start();
  const auto channel = Connect();

  grpc::ClientContext binary;
  Authorize(binary);
  binary.AddMetadata("x-bin", std::string("\0\xff", 2));
  EXPECT_EQ(status::GetReason(GetUnit(channel, binary)), "METADATA_NOT_ALLOWED");

  grpc::ClientContext large;
  Authorize(large);
  large.AddMetadata("x-note", std::string(4000, 'a'));
  EXPECT_EQ(status::GetReason(GetUnit(channel, large)), "METADATA_TOO_LARGE");

  EXPECT_TRUE(GetUnit(channel).ok());
  EXPECT_EQ(inventory_.call_count(), 1);
}

// One literal header of HPACK, neither indexed nor compressed.
std::string HpackLiteral(absl::string_view name, absl::string_view value) {
  const auto length = [](size_t size) {
    EXPECT_LT(size, 127u + 128u);
    return size < 127 ? std::string(1, static_cast<char>(size))
                      : std::string({'\x7f', static_cast<char>(size - 127)});
  };
  return absl::StrCat(std::string(1, '\0'), length(name.size()), name, length(value.size()), value);
}

std::string Frame(char type, char flags, char stream, absl::string_view payload) {
  const auto size = static_cast<uint32_t>(payload.size());
  const char head[] = {static_cast<char>(size >> 16),
                       static_cast<char>(size >> 8),
                       static_cast<char>(size),
                       type,
                       flags,
                       0,
                       0,
                       0,
                       stream};
  return absl::StrCat(absl::string_view(head, sizeof head), payload);
}

// Goal: who breaks its own HTTP/2 connection breaks nobody else's, nor those to the services.
// Method: raw frames with metadata that gRPC 1.51 answers by closing the connection (a binary
// header that is not base64), while others call on connections of their own.
TEST_F(PassThroughTest, SurvivesAConnectionThatPoisonsItself) {
  Start();
  const auto channel = Connect();
  ASSERT_TRUE(GetUnit(channel).ok());

  for (int round = 0; round < 10; ++round) {
    RawClient poisoner(server_->address());
    const std::string headers = absl::StrCat(
        HpackLiteral(":method", "POST"), HpackLiteral(":scheme", "http"),
        HpackLiteral(":path", "/quartermaster.inventory.v1.Units/GetUnit"),
        HpackLiteral(":authority", "x"), HpackLiteral("content-type", "application/grpc"),
        HpackLiteral("te", "trailers"), HpackLiteral("poison-bin", "!!!not base64!!!"));
    poisoner.Send(absl::StrCat("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Frame(4, 0, 0, ""),
                               Frame(1, 5, 1, headers)));
    EXPECT_TRUE(GetUnit(channel).ok()) << "round " << round;
  }

  EXPECT_EQ(inventory_.call_count(), 11);
}

TEST_F(PassThroughTest, RefusesAMessageThatIsTooLargeAndKeepsTheConnection) {
  Start();
  const auto channel = Connect();
  grpc::ClientContext context;
  Authorize(context, CustodianToken());
  pb::PostMovementRequest request;
  request.set_note(std::string(5 << 20, 'x'));
  pb::Movement movement;

  const grpc::Status status =
      pb::Ledger::NewStub(channel)->PostMovement(&context, request, &movement);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(GetUnit(channel).ok());
  EXPECT_EQ(inventory_.call_count(), 1);
}

TEST_F(PassThroughTest, CancelsUpstreamWhatTheCallerCancels) {
  Start();
  inventory_.Hold();
  grpc::ClientContext context;
  Authorize(context);
  std::thread caller(
      [&] { EXPECT_EQ(GetUnit(Connect(), context).code(), absl::StatusCode::kCancelled); });

  ASSERT_TRUE(inventory_.AwaitCalls(1));
  context.TryCancel();

  EXPECT_TRUE(inventory_.AwaitCancelled(1));
  caller.join();
}

TEST_F(PassThroughTest, TellsThatTimeRanOutBeforeTheCallerGivesUp) {
  Start();
  inventory_.Hold();
  grpc::ClientContext context;
  context.AddMetadata("authorization", Token());
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(1)));

  const absl::Status status = GetUnit(Connect(), context);

  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(status::GetReason(status), "DEADLINE_EXCEEDED");
  EXPECT_TRUE(inventory_.AwaitCancelled(1));
}

TEST_F(PassThroughTest, RefusesMoreCallsThanTheServiceShouldGet) {
  options_.inventory_calls_max = 1;
  Start();
  inventory_.Hold();
  const auto channel = Connect();
  std::thread first([&] { EXPECT_TRUE(GetUnit(channel).ok()); });
  ASSERT_TRUE(inventory_.AwaitCalls(1));

  const absl::Status second = GetUnit(channel);
  inventory_.Release();
  first.join();

  EXPECT_EQ(second.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status::GetReason(second), "OVERLOADED");
  EXPECT_GT(status::GetErrorDetail(second).retry_after, absl::ZeroDuration());
  EXPECT_TRUE(GetUnit(channel).ok());
}

TEST_F(PassThroughTest, NamesTheServiceThatIsDownAndFindsItAgain) {
  options_.inventory.target = absl::StrCat("unix:", directory_, "/inventory.sock");
  Start();
  const auto channel = Connect();

  const absl::Status down = GetUnit(channel);

  EXPECT_EQ(down.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status::GetReason(down), "SERVICE_UNAVAILABLE");
  EXPECT_THAT(std::string(down.message()), HasSubstr("inventory"));
  EXPECT_THAT(std::string(down.message()), Not(HasSubstr(directory_)));
  const FakeInventory back(options_.inventory.target);
  const absl::Time end = absl::Now() + kPatience;
  absl::Status up = down;
  while (!up.ok() && absl::Now() < end) up = GetUnit(channel);
  EXPECT_TRUE(up.ok()) << up;
}

TEST_F(PassThroughTest, EndsCallsUnderWayWhenItDrains) {
  options_.server.drain_time = absl::Milliseconds(200);
  Start();
  inventory_.Hold();
  const auto channel = Connect();
  std::thread caller([&] { EXPECT_FALSE(GetUnit(channel).ok()); });
  ASSERT_TRUE(inventory_.AwaitCalls(1));

  server_->Drain();

  caller.join();
  EXPECT_TRUE(inventory_.AwaitCancelled(1));
}

}  // namespace
}  // namespace quartermaster::gateway
