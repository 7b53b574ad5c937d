// What strangers and the careless send to the gateway.

#include "absl/strings/str_cat.h"
#include "platform/auth/authenticator.h"
#include "platform/auth/jwt.h"
#include "platform/auth/test_tokens.h"
#include "platform/status/error.h"
#include "tests/suite/doors.h"

namespace quartermaster::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

using StrangersTest = SuiteTest;

Json Payload(absl::string_view issuer) {
  return {{"iss", std::string(issuer)},
          {"aud", "quartermaster"},
          {"sub", "intruder"},
          {"iat", absl::ToUnixSeconds(absl::Now())},
          {"exp", absl::ToUnixSeconds(absl::Now() + absl::Hours(1))},
          {"grants", Json::array({{{"role", "approver"}, {"unit", "units/city"}}})}};
}

std::string Forged(const Json& header, absl::string_view issuer, const auth::TestKey& key) {
  return auth::RenderToken(header, Payload(issuer), key);
}

TEST_F(StrangersTest, WrongTokensOpenNeitherDoor) {
  const Json header = {{"alg", "EdDSA"}, {"typ", "JWT"}, {"kid", "ed"}};
  const std::string good = ClerkToken();
  const std::pair<const char*, std::string> kRows[] = {
      {"none", ""},
      {"nonsense", "nonsense"},
      {"expired", TokenOf("clerk", {"approver@units/city"}, absl::Hours(2), absl::Hours(1))},
      {"of tomorrow", TokenOf("clerk", {"approver@units/city"}, -absl::Hours(1))},
      {"of another key", Forged(header, auth::kDemoIssuer, auth::TestEd25519())},
      {"of another issuer", Forged(header, "https://evil.example", auth::TestEd25519())},
      {"of another family of algorithms", Forged({{"alg", "RS256"}, {"typ", "JWT"}, {"kid", "rsa"}},
                                                 auth::kDemoIssuer, auth::TestRsa())},
      {"unsigned",
       auth::RenderUnsigned(R"({"alg":"none"})", Payload(auth::kDemoIssuer).dump()) + "."},
      {"changed", good.substr(0, good.size() / 2) + "x" + good.substr(good.size() / 2 + 1)},
      {"cut short", good.substr(0, good.size() - 5)},
  };
  for (const auto& [name, token] : kRows) {
    const auto by_grpc = MakeGrpcDoor(token)->Post(AReceipt(1));
    const auto by_json = MakeJsonDoor(token)->Post(AReceipt(1));

    EXPECT_EQ(status::GetReason(by_grpc.status()), "CREDENTIALS_INVALID") << name;
    EXPECT_EQ(by_grpc.status().code(), absl::StatusCode::kUnauthenticated) << name;
    EXPECT_EQ(status::GetReason(by_json.status()), "CREDENTIALS_INVALID") << name;
    EXPECT_EQ(by_json.status().code(), absl::StatusCode::kUnauthenticated) << name;
  }
}

// Goal: nobody gets from the gateway to a service what only the gateway may say.
TEST_F(StrangersTest, AnIdentityOfTheCallersOwnIsLeftBehind) {
  const std::string forged = auth::RenderToken(
      {{"alg", "EdDSA"}, {"typ", auth::kIdentityType}, {"kid", "ed"}},
      {{"iss", auth::kGatewayIssuer},
       {"aud", auth::kServicesAudience},
       {"sub", "admin"},
       {"iat", absl::ToUnixSeconds(absl::Now())},
       {"exp", absl::ToUnixSeconds(absl::Now() + absl::Minutes(1))},
       {"grants", Json::array({{{"role", "administrator"}, {"unit", "units/city"}}})}},
      auth::TestEd25519());

  const auto by_grpc = CallGateway(&v1::Ledger::Stub::PostMovement, AReceipt(1), ClerkToken(),
                                   {{"qm-identity", forged}, {"x-forwarded-user", "admin"}});
  const auto alone =
      CallGateway(&v1::Ledger::Stub::PostMovement, AReceipt(1), "", {{"qm-identity", forged}});
  const HttpReply by_json =
      CallJson("GET", "/v1/units/city/movements?pageSize=1", ClerkToken(), "",
               {{"qm-identity", forged}, {"Grpc-Metadata-qm-identity", forged}});
  const HttpReply json_alone =
      CallJson("GET", "/v1/units/city/movements", "", "", {{"qm-identity", forged}});

  ASSERT_TRUE(by_grpc.ok()) << by_grpc.status();
  EXPECT_EQ(by_grpc->caller(), "persons/clerk");
  EXPECT_EQ(alone.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(by_json.status, 200) << by_json.body;
  EXPECT_EQ(json_alone.status, 401);
}

TEST_F(StrangersTest, ABodyOfTenMegabytesIsRefusedInWords) {
  const std::string body = R"({"note": ")" + std::string(10 << 20, 'n') + R"("})";

  const HttpReply reply = CallJson("POST", "/v1/movements:post", ClerkToken(), body);

  EXPECT_EQ(reply.status, 413) << reply.body;
  EXPECT_EQ(ReasonOf(reply), "BODY_TOO_LARGE");
  EXPECT_THAT(reply.body, HasSubstr("bytes"));
  EXPECT_EQ(CallJson("GET", "/v1/units/city/movements?pageSize=1", ClerkToken()).status, 200);
}

TEST_F(StrangersTest, BadJsonIsRefusedInWords) {
  const std::string deep =
      R"({"lines": )" + std::string(200'000, '[') + std::string(200'000, ']') + "}";
  const std::pair<const char*, std::string> kRows[] = {
      {"deep", deep},
      {"cut off", R"({"reason": "RECEIVE")"},
      {"a list", "[]"},
      {"twice the same", R"({"reason": "RECEIVE", "reason": "CONSUME"})"},
      {"two of them", "{} {}"},
      {"half a pair of surrogates", R"({"note": "\ud800"})"},
      {"bytes that are not UTF-8", "{\"note\": \"\xC3\x28\"}"},
      {"a number too large", R"({"lines": [{"quantity": {"amount": 9223372036854775808}}]})"},
      {"a fraction", R"({"lines": [{"quantity": {"amount": 1.5}}]})"},
      {"an amount in words", R"({"lines": [{"quantity": {"amount": "many"}}]})"},
      {"a time that is none", R"({"occurredTime": "2026-02-30T00:00:00Z"})"},
  };
  for (const auto& [name, body] : kRows) {
    const HttpReply reply = CallJson("POST", "/v1/movements:post", ClerkToken(), body);

    EXPECT_EQ(reply.status, 400) << name << ": " << reply.body;
    EXPECT_EQ(Json::parse(reply.body, nullptr, false).value("code", 0), 3) << name;
    EXPECT_LT(reply.body.size(), 4096u) << name;
  }
}

TEST_F(StrangersTest, MetadataThatHurtsConnectionsStopsAtTheGateway) {
  const auto large = CallGateway(&v1::Ledger::Stub::PostMovement, AReceipt(1), ClerkToken(),
                                 {{"x-padding", std::string(4000, 'x')}});
  const auto binary = CallGateway(&v1::Ledger::Stub::PostMovement, AReceipt(1), ClerkToken(),
                                  {{"x-thing-bin", "bytes"}});

  EXPECT_EQ(status::GetReason(large.status()), "METADATA_TOO_LARGE");
  EXPECT_EQ(status::GetReason(binary.status()), "METADATA_NOT_ALLOWED");
  EXPECT_TRUE(MakeGrpcDoor(ClerkToken())->Post(AReceipt(1)).ok());
}

}  // namespace
}  // namespace quartermaster::testing
