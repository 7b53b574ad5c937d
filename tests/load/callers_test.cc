// That the callers of the bench count what really happened: what is measured rests on it.

#include "tests/load/callers.h"

#include "absl/time/clock.h"
#include "gateway/gateway.h"
#include "platform/auth/jwt.h"
#include "platform/rpc/server.h"
#include "tests/load/listener.h"
#include "tests/service/caller_test.h"

namespace quartermaster::load {
namespace {

namespace v1 = inventory::v1;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kIssuer[] = "https://issuer.test";

// Counted from the first call on.
RunOptions AsCaller(const std::string& caller) {
  return {.caller_count = 8,
          .warm_up = absl::ZeroDuration(),
          .duration = absl::Milliseconds(300),
          .metadata = {{"authorization", caller}}};
}

// How calls are made.
enum class By { kGrpc, kJson };

RunResult PostTo(const std::string& address, By by, const MakeRequest& make_request,
                 const RunOptions& options) {
  return by == By::kJson ? RunJsonPostings(address, make_request, options)
                         : RunPostings({.address = address}, make_request, options);
}

std::string NameOf(const ::testing::TestParamInfo<By>& info) {
  return info.param == By::kJson ? "Json" : "Grpc";
}

// The whole gateway on real sockets, before an inventory that asks for its certificate.
class RunningGateway {
 public:
  explicit RunningGateway(const gateway::Options& options) {
    auto gateway = gateway::Gateway::Make(options, clock_);
    QM_CHECK(gateway.ok());
    gateway_ = *std::move(gateway);
    auto server = rpc::Server::Start(options.server, gateway_->server_parts());
    QM_CHECK(server.ok());
    server_ = *std::move(server);
  }
  std::string http_address() const { return gateway_->http_address(); }

 private:
  const base::SystemClock clock_;
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<rpc::Server> server_;
};

class CallersTest : public testing::CallerTest {
 protected:
  Target WithCertificate(const rpc::TestCa& authority) const {
    const rpc::TestCa::Pair pair = ca_.Sign(testing::kProvince);
    return {.address = secure_->address(),
            .ca_file = folder_.Put("caller-ca.pem", authority.certificate()),
            .certificate_file = folder_.Put("caller.pem", pair.certificate),
            .key_file = folder_.Put("caller-key.pem", pair.key)};
  }

  // Makes receipts, and counts them.
  MakeRequest Receipts() {
    return [this](int64_t) {
      ++made_count_;
      return testing::AReceipt(1);
    };
  }

  int64_t made_count_ = 0;
};

// What holds whichever way the calls are made: by gRPC to inventory itself, as JSON through the
// gateway.
class EitherCallersTest : public CallersTest, public ::testing::WithParamInterface<By> {
 protected:
  EitherCallersTest() {
    if (GetParam() == By::kJson) StartGateway();
  }

  void StartGateway() {
    const std::string key = auth::JwtSigner::GenerateKey();
    // Makes the gateway's keys those that inventory believes.
    secure_.reset();
    auto authenticator = auth::ServiceAuthenticator::Make(
        {.gateway_keys_path = folder_.Put("minted.json", Signer(key).RenderJwks())});
    QM_CHECK(authenticator.ok());
    authenticator_ = *std::move(authenticator);
    secure_ = testing::InventoryServer::Start(database_, SecureOptions());

    const rpc::TestCa::Pair own = ca_.Sign(testing::kGateway);
    gateway::Options options;
    options.server.address = "127.0.0.1:0";
    options.server.is_plaintext = true;
    options.http.address = "127.0.0.1:0";
    options.inventory.target = secure_->address();
    options.inventory.tls = {.certificate = folder_.Put("gateway.pem", own.certificate),
                             .key = folder_.Put("gateway-key.pem", own.key),
                             .ca = folder_.Put("gateway-ca.pem", ca_.certificate())};
    options.authenticator.issuer = kIssuer;
    options.authenticator.keys_path = folder_.Put("issuer.json", issuer_.RenderJwks());
    options.identity_key = key;
    gateway_ = std::make_unique<RunningGateway>(options);
  }

  static auth::JwtSigner Signer(const std::string& key) {
    return *auth::JwtSigner::FromPem(key, {.issuer = kIssuer, .audience = auth::kEdgeAudience});
  }

  RunResult Post(const MakeRequest& make_request) {
    if (gateway_ == nullptr) {
      return PostTo(server_->address(), By::kGrpc, make_request, AsCaller(testing::kClerk));
    }
    const std::string token = issuer_.Sign({.subject = "clerk",
                                            .issue_time = absl::Now(),
                                            .expire_time = absl::Now() + absl::Hours(1),
                                            .grants = {{"custodian", "units/city"}}});
    return PostTo(gateway_->http_address(), By::kJson, make_request, AsCaller("Bearer " + token));
  }

  const auth::JwtSigner issuer_ = Signer(auth::JwtSigner::GenerateKey());
  std::unique_ptr<RunningGateway> gateway_;
};
INSTANTIATE_TEST_SUITE_P(By, EitherCallersTest, ::testing::Values(By::kGrpc, By::kJson), NameOf);

TEST_P(EitherCallersTest, CountsEachAnswerOnce) {
  const RunResult result = Post(Receipts());

  EXPECT_EQ(result.error_count, 0) << result.first_error;
  EXPECT_GT(result.ok_count, 8);
  EXPECT_EQ(result.ok_count, made_count_);
  EXPECT_EQ(result.ok_count, Count("movements"));
  EXPECT_GT(result.p50_ms, 0);
  EXPECT_GE(result.p99_ms, result.p50_ms);
}

// Goal: refusals are no answers, and the first is told as the service put it, whatever its bytes.
// Method: every second posting consumes more than there is, with a lot whose name is not ASCII.
TEST_P(EitherCallersTest, CountsRefusalsApartAndTellsTheFirst) {
  v1::PostMovementRequest refused = testing::AReceipt(1, testing::kDepot, "items/口罩/lots/m1");
  const auto error = CallersTest::Post(refused);
  ASSERT_THAT(std::string(error.status().message()), HasSubstr("口罩"));

  const RunResult result = Post([&](int64_t number) {
    ++made_count_;
    return number % 2 == 0 ? testing::AReceipt(1) : refused;
  });

  EXPECT_GT(result.error_count, 0);
  EXPECT_EQ(result.first_error, error.status().message());
  EXPECT_EQ(result.ok_count, Count("movements"));
  EXPECT_EQ(result.ok_count + result.error_count, made_count_);
}

TEST_F(CallersTest, CountsAnswersOverMutualTls) {
  const RunResult result = RunPostings(WithCertificate(ca_), Receipts(), AsCaller(""));

  EXPECT_EQ(result.error_count, 0) << result.first_error;
  EXPECT_GT(result.ok_count, 8);
  EXPECT_EQ(result.ok_count, Count("movements"));
}

TEST_F(CallersTest, AForeignServerIsNotCalled) {
  const RunResult result = RunPostings(WithCertificate(rpc::TestCa()), Receipts(), AsCaller(""));

  EXPECT_EQ(result.ok_count, 0);
  EXPECT_GT(result.error_count, 0);
  EXPECT_THAT(result.first_error, HasSubstr("certificate verify failed"));
  EXPECT_EQ(made_count_, 0);
}

class SilentServerTest : public ::testing::TestWithParam<By> {};
INSTANTIATE_TEST_SUITE_P(By, SilentServerTest, ::testing::Values(By::kGrpc, By::kJson), NameOf);

TEST_P(SilentServerTest, UnansweredCallsEndAsErrors) {
  const Listener server;
  RunOptions options = AsCaller("");
  options.call_timeout = absl::Milliseconds(200);

  const absl::Time start = absl::Now();
  const RunResult result = PostTo(
      server.address(), GetParam(), [](int64_t) { return testing::AReceipt(1); }, options);

  EXPECT_LT(absl::Now() - start, absl::Seconds(20));
  EXPECT_EQ(result.ok_count, 0);
  EXPECT_EQ(result.error_count, 8);
  EXPECT_THAT(result.first_error, HasSubstr("no answer within 200ms"));
}

TEST_P(SilentServerTest, NobodyThereIsAnError) {
  const std::string address = Listener().address();

  const RunResult result = PostTo(
      address, GetParam(), [](int64_t) { return testing::AReceipt(1); }, AsCaller(""));

  EXPECT_EQ(result.ok_count, 0);
  EXPECT_GT(result.error_count, 0);
  EXPECT_THAT(result.first_error, AllOf(HasSubstr(address), HasSubstr("refused")));
}

}  // namespace
}  // namespace quartermaster::load
