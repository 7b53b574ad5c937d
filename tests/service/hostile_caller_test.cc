// Who calls: the ledger behind mutual TLS, with certificates and identities good and bad.

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "platform/auth/base64url.h"
#include "platform/auth/service_authenticator.h"
#include "platform/auth/test_files.h"
#include "platform/auth/test_tokens.h"
#include "platform/rpc/test_certificates.h"
#include "tests/service/hostile_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

constexpr char kGateway[] = "spiffe://quartermaster/gateway";
constexpr char kProvince[] = "spiffe://quartermaster/systems/province";
constexpr char kCanary[] = "canary-bird";

int64_t Seconds(absl::Duration from_now) { return absl::ToUnixSeconds(absl::Now() + from_now); }

Json GoodHeader() { return {{"alg", "EdDSA"}, {"typ", auth::kIdentityType}, {"kid", "ed"}}; }
Json GoodPayload() {
  return {{"iss", auth::kGatewayIssuer},
          {"aud", auth::kServicesAudience},
          {"sub", kCanary},
          {"iat", Seconds(absl::ZeroDuration())},
          {"exp", Seconds(absl::Minutes(1))},
          {"grants", Json::array({{{"role", "unit-quartermaster"}, {"unit", "units/east"}}})}};
}
Json With(Json json, const Json& changes) {
  if (changes.is_object()) json.merge_patch(changes);
  return json;
}
std::string Identity(const Json& header = {}, const Json& payload = {},
                     const auth::TestKey& key = auth::TestEd25519()) {
  return auth::RenderToken(With(GoodHeader(), header), With(GoodPayload(), payload), key);
}
// Signed with the public key as if it were a secret.
std::string Hs256Identity() {
  const std::string text =
      auth::RenderUnsigned(With(GoodHeader(), {{"alg", "HS256"}}).dump(), GoodPayload().dump());
  const std::string secret = auth::TestEd25519().PublicPem();
  uint8_t mac[32];
  unsigned size = sizeof(mac);
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const uint8_t*>(text.data()), text.size(), mac, &size);
  return absl::StrCat(text, ".", auth::EncodeBase64Url({reinterpret_cast<char*>(mac), size}));
}

// The world of `LedgerTest`, served a second time as in production: mutual TLS, systems by a file,
// persons by the gateway's word.
class CallerTest : public LedgerTest {
 protected:
  using Metadata = std::vector<std::pair<std::string, std::string>>;

  CallerTest() {
    const rpc::TestCa::Pair own = ca_.Sign("spiffe://quartermaster/inventory");
    auto authenticator = auth::ServiceAuthenticator::Make(
        {.gateway_keys_path =
             folder_.Put("gateway-jwks.json", auth::RenderJwks({auth::TestEd25519().Jwk("ed")})),
         .systems_path = folder_.Put(
             "systems.json",
             Json{{kProvince,
                   {{"name", "systems/province"},
                    {"grants", Json::array({{{"role", "integrator"}, {"unit", "units/east"}}})}}}}
                 .dump())});
    QM_CHECK(authenticator.ok());
    authenticator_ = *std::move(authenticator);
    secure_ = InventoryServer::Start(
        database_, {.authenticator = authenticator_.get(),
                    .server = {.program = "inventory-svc",
                               .certificate_file = folder_.Put("own.pem", own.certificate),
                               .key_file = folder_.Put("own-key.pem", own.key),
                               .client_ca_file = folder_.Put("ca.pem", ca_.certificate())}});
  }

  // Posts a receipt over a connection of its own. Without a pair it shows no certificate.
  absl::StatusOr<v1::Movement> PostAs(const std::optional<rpc::TestCa::Pair>& pair,
                                      const Metadata& metadata = {},
                                      const std::string& location = kDepot) {
    grpc::SslCredentialsOptions options{.pem_root_certs = ca_.certificate()};
    if (pair.has_value()) {
      options.pem_private_key = pair->key;
      options.pem_cert_chain = pair->certificate;
    }
    return PostOver(grpc::SslCredentials(options), metadata, location);
  }

  absl::StatusOr<v1::Movement> PostOver(
      const std::shared_ptr<grpc::ChannelCredentials>& credentials, const Metadata& metadata = {},
      const std::string& location = kDepot) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel = grpc::CreateCustomChannel(secure_->address(), credentials, arguments);
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
    for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
    v1::Movement response;
    const grpc::Status status =
        LedgerStub(channel).PostMovement(&context, AReceipt(5, location), &response);
    if (!status.ok()) return rpc::FromGrpcStatus(status);
    return response;
  }

  const rpc::TestCa ca_;
  const auth::TestFolder folder_;
  std::unique_ptr<auth::ServiceAuthenticator> authenticator_;
  std::unique_ptr<InventoryServer> secure_;
};

using SystemCallerTest = CallerTest;
using PersonCallerTest = CallerTest;

TEST_F(SystemCallerTest, AProvincesSystemPostsWithItsOwnCertificate) {
  const rpc::TestCa::Pair province = ca_.Sign(kProvince);

  const auto posted = PostAs(province);

  ASSERT_TRUE(posted.ok()) << posted.status();
  EXPECT_EQ(posted->caller(), "systems/province");
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 5);
  // Its grants end where the file says.
  EXPECT_EQ(Outcome(PostAs(province, {}, kRoom)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(PostAs(province, {}, "units/west/locations/ghost")),
            "PERMISSION_DENIED PERMISSION_DENIED");
}

TEST_F(SystemCallerTest, NobodyElseGetsIn) {
  const rpc::TestCa stranger;

  // No certificate, one of another authority, and no TLS at all: no connection.
  EXPECT_EQ(PostAs(std::nullopt).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(PostAs(stranger.Sign(kProvince)).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(PostOver(grpc::InsecureChannelCredentials()).status().code(),
            absl::StatusCode::kUnavailable);
  // A certificate of ours that the file does not name, and the gateway speaking for itself.
  EXPECT_EQ(Outcome(PostAs(ca_.Sign("spiffe://quartermaster/systems/other"))),
            "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(PostAs(ca_.Sign(kGateway))), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Count("movements"), 0);
}

TEST_F(SystemCallerTest, ASystemDoesNotSpeakForPersons) {
  EXPECT_EQ(Outcome(PostAs(ca_.Sign(kProvince), {{"qm-identity", Identity()}})),
            "UNAUTHENTICATED CREDENTIALS_INVALID");
  // What only the gateway may believe counts for nothing here.
  const auto posted = PostAs(ca_.Sign(kProvince), {{"authorization", "Bearer " + Identity()}});
  ASSERT_TRUE(posted.ok()) << posted.status();
  EXPECT_EQ(posted->caller(), "systems/province");
}

TEST_F(PersonCallerTest, TheGatewaysWordIsBelieved) {
  const auto posted = PostAs(ca_.Sign(kGateway), {{"qm-identity", Identity()}});

  ASSERT_TRUE(posted.ok()) << posted.status();
  EXPECT_EQ(posted->caller(), absl::StrCat("persons/", kCanary));
}

TEST_F(PersonCallerTest, BadIdentitiesAreRefusedAndNotRepeated) {
  const rpc::TestCa::Pair gateway = ca_.Sign(kGateway);
  const std::pair<const char*, Metadata> kRows[] = {
      {"no token", {{"qm-identity", "nonsense"}}},
      {"a signature cut short", {{"qm-identity", Identity().substr(0, Identity().size() - 4)}}},
      {"unsigned",
       {{"qm-identity",
         auth::RenderUnsigned(With(GoodHeader(), {{"alg", "none"}}).dump(), GoodPayload().dump()) +
             "."}}},
      {"signed with the public key", {{"qm-identity", Hs256Identity()}}},
      {"another family of algorithms",
       {{"qm-identity", Identity({{"alg", "RS256"}}, {}, auth::TestRsa())}}},
      {"another curve", {{"qm-identity", Identity({{"alg", "ES256"}}, {}, auth::TestP256())}}},
      {"another key", {{"qm-identity", Identity({}, {}, auth::TestKey::Ed25519())}}},
      {"an unknown key", {{"qm-identity", Identity({{"kid", "other"}})}}},
      {"expired",
       {{"qm-identity", Identity({}, {{"iat", Seconds(-absl::Minutes(10))},
                                      {"exp", Seconds(-absl::Minutes(9))}})}}},
      {"of the future",
       {{"qm-identity",
         Identity({}, {{"iat", Seconds(absl::Minutes(9))}, {"exp", Seconds(absl::Minutes(10))}})}}},
      {"living too long", {{"qm-identity", Identity({}, {{"exp", Seconds(absl::Hours(1))}})}}},
      {"another issuer's", {{"qm-identity", Identity({}, {{"iss", "https://evil.example"}})}}},
      {"for another audience", {{"qm-identity", Identity({}, {{"aud", "quartermaster"}})}}},
      {"a person's own token", {{"qm-identity", Identity({{"typ", "JWT"}})}}},
      {"two of them", {{"qm-identity", Identity()}, {"qm-identity", Identity()}}},
      {"as a bearer", {{"authorization", "Bearer " + Identity()}}},
  };
  for (const auto& [name, metadata] : kRows) {
    const auto refused = PostAs(gateway, metadata);

    EXPECT_EQ(Outcome(refused), "UNAUTHENTICATED CREDENTIALS_INVALID") << name;
    EXPECT_THAT(std::string(refused.status().message()), Not(HasSubstr(kCanary))) << name;
    EXPECT_THAT(std::string(refused.status().message()),
                Not(HasSubstr(metadata[0].second.substr(0, 8))))
        << name;
  }
  EXPECT_EQ(Count("movements"), 0);
}

TEST_F(PersonCallerTest, AnIdentityGivesNoMoreThanItsGrants) {
  const rpc::TestCa::Pair gateway = ca_.Sign(kGateway);
  const auto post = [&](const Json& grants, const std::string& location) {
    return Outcome(
        PostAs(gateway, {{"qm-identity", Identity({}, {{"grants", grants}})}}, location));
  };
  const Json mine = Json::array({{{"role", "unit-quartermaster"}, {"unit", "units/east"}}});
  const Json over = Json::array(
      {{{"role", "unit-quartermaster"}, {"unit", "units/east"}, {"end", "2020-01-26T00:00:00Z"}}});
  const Json unknown = Json::array({{{"role", "emperor"}, {"unit", "units/city"}}});
  const Json reader = Json::array({{{"role", "auditor"}, {"unit", "units/city"}}});

  EXPECT_EQ(post(mine, kDepot), "OK");
  EXPECT_EQ(post(mine, kRoom), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(post(over, kDepot), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(post(unknown, kDepot), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(post(reader, kDepot), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(post(Json::array(), kDepot), "PERMISSION_DENIED PERMISSION_DENIED");
}

}  // namespace
}  // namespace quartermaster::testing
