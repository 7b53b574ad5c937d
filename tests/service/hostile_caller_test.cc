// Who calls: the ledger behind mutual TLS, with certificates and identities good and bad.

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "platform/auth/base64url.h"
#include "tests/service/caller_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

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
