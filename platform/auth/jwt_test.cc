#include "platform/auth/jwt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/hmac.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/auth/base64url.h"
#include "platform/auth/test_tokens.h"
#include "platform/status/error.h"

namespace quartermaster::auth {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kIssuer[] = "https://identity.example";
// A word that no error text may repeat.
constexpr char kCanary[] = "canary-bird";
const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

int64_t Seconds(absl::Duration from_now) { return absl::ToUnixSeconds(kNow + from_now); }

Json GoodHeader() { return {{"alg", "EdDSA"}, {"typ", "JWT"}, {"kid", "ed"}}; }
Json GoodPayload() {
  return {{"iss", kIssuer},
          {"aud", "quartermaster"},
          {"sub", kCanary},
          {"iat", Seconds(absl::ZeroDuration())},
          {"exp", Seconds(absl::Hours(1))},
          {"grants", Json::array({{{"role", "dispatcher"}, {"unit", "units/east-bureau"}}})}};
}

Json With(Json json, const Json& changes) {
  if (changes.is_object()) json.merge_patch(changes);
  return json;
}
std::string Token(const Json& header_changes, const Json& payload_changes,
                  const TestKey& key = TestEd25519()) {
  return RenderToken(With(GoodHeader(), header_changes), With(GoodPayload(), payload_changes), key);
}
// A token whose parts are given letter for letter, signed well.
std::string TokenOfText(absl::string_view header, absl::string_view payload) {
  const std::string text = RenderUnsigned(header, payload);
  return absl::StrCat(text, ".", EncodeBase64Url(TestEd25519().Sign(text)));
}
// A good token, its three parts changed after signing.
std::string Tampered(const std::function<void(std::vector<std::string>&)>& change) {
  std::vector<std::string> parts = absl::StrSplit(Token({}, {}), '.');
  change(parts);
  return absl::StrCat(parts[0], ".", parts[1], ".", parts[2]);
}
std::string Hs256With(absl::string_view secret, absl::string_view kid) {
  const std::string text =
      RenderUnsigned(With(GoodHeader(), {{"alg", "HS256"}, {"kid", std::string(kid)}}).dump(),
                     GoodPayload().dump());
  uint8_t mac[32];
  unsigned size = sizeof(mac);
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const uint8_t*>(text.data()), text.size(), mac, &size);
  return absl::StrCat(text, ".", EncodeBase64Url({reinterpret_cast<char*>(mac), size}));
}
Json ManyGrants(size_t count) {
  Json grants = Json::array();
  for (size_t i = 0; i < count; ++i) grants.push_back({{"role", "auditor"}, {"unit", "units/a"}});
  return grants;
}

class JwtVerifierTest : public testing::Test {
 protected:
  const KeySet keys_ = *KeySet::Parse(
      RenderJwks({TestRsa().Jwk("rsa"), TestP256().Jwk("ec"), TestEd25519().Jwk("ed")}));
  const JwtVerifier verifier_{{.issuer = kIssuer, .audience = "quartermaster"}};
};

TEST_F(JwtVerifierTest, TakesAGoodTokenOfEachFamily) {
  const struct {
    const char* kid;
    const char* alg;
    const TestKey& key;
  } kRows[] = {
      {"rsa", "RS256", TestRsa()}, {"ec", "ES256", TestP256()}, {"ed", "EdDSA", TestEd25519()}};
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.alg);
    const std::string token = Token({{"alg", row.alg}, {"kid", row.kid}}, {}, row.key);

    const auto claims = verifier_.Verify(token, keys_, kNow);

    ASSERT_TRUE(claims.ok()) << claims.status();
    EXPECT_EQ(claims->subject, kCanary);
    EXPECT_EQ(claims->issue_time, kNow);
    EXPECT_EQ(claims->expire_time, kNow + absl::Hours(1));
    EXPECT_THAT(claims->grants,
                ElementsAre(RoleGrant{.role = "dispatcher", .unit = "units/east-bureau"}));
    EXPECT_EQ(claims->token_digest, base::Sha256(token));
  }
}

TEST_F(JwtVerifierTest, TakesWhatProvidersVaryIn) {
  const struct {
    const char* name;
    Json header;
    Json payload;
  } kRows[] = {
      {"no typ", {{"typ", nullptr}}, {}},
      {"typ in small letters", {{"typ", "jwt"}}, {}},
      {"typ as a media type", {{"typ", "application/at+jwt"}}, {}},
      {"certificate hash in the header", {{"x5t", "abc"}}, {}},
      {"several audiences", {}, {{"aud", {"console", "quartermaster"}}}},
      {"claims of its own", {}, {{"realm_access", {{"roles", {"a", "b"}}}}}},
      {"no grants", {}, {{"grants", nullptr}}},
      {"a role we do not know",
       {},
       {{"grants", Json::array({{{"role", "tailor"}, {"unit", "units/a"}}})}}},
      {"nbf now", {}, {{"nbf", Seconds(absl::ZeroDuration())}}},
      {"expired within the leeway",
       {},
       {{"iat", Seconds(-absl::Hours(1))}, {"exp", Seconds(-absl::Seconds(59))}}},
      {"issued by a clock ahead of ours", {}, {{"iat", Seconds(absl::Seconds(60))}}},
      {"as many grants as may be", {}, {{"grants", ManyGrants(kGrantsMax)}}},
      {"the longest life",
       {},
       {{"iat", Seconds(absl::ZeroDuration())}, {"exp", Seconds(absl::Hours(24))}}},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);

    const auto claims = verifier_.Verify(Token(row.header, row.payload), keys_, kNow);

    EXPECT_TRUE(claims.ok()) << claims.status();
  }
}

// Goal: each way in which a token can lie or be ambiguous is closed, by the rule meant for it.
// Method: every row is the good token of the tests above with one thing changed, and the text of
// the refusal must name that thing, so that a row cannot pass because of another mistake.
TEST_F(JwtVerifierTest, RefusesHostileTokens) {
  const std::string good_header = GoodHeader().dump();
  const std::string good_payload = GoodPayload().dump();
  const std::string deep = std::string(64, '[') + std::string(64, ']');
  const struct {
    const char* name;
    std::string token;
    const char* why;
  } kRows[] = {
      // Algorithms.
      {"alg none, no signature",
       RenderUnsigned(With(GoodHeader(), {{"alg", "none"}}).dump(), good_payload) + ".",
       "is not RS256"},
      {"alg None", Token({{"alg", "None"}}, {}), "is not RS256"},
      {"alg in small letters", Token({{"alg", "eddsa"}}, {}), "is not RS256"},
      {"no alg", Token({{"alg", nullptr}}, {}), "is not RS256"},
      {"alg not a string", Token({{"alg", Json::array({"EdDSA"})}}, {}), "is not RS256"},
      {"HS256 with the RSA key as secret", Hs256With(TestRsa().PublicPem(), "rsa"), "is not RS256"},
      {"HS256 with the Ed25519 key as secret", Hs256With(TestEd25519().PublicPem(), "ed"),
       "is not RS256"},
      {"RS512", Token({{"alg", "RS512"}, {"kid", "rsa"}}, {}, TestRsa()), "is not RS256"},
      {"alg of another family than the key's", Token({{"alg", "ES256"}}, {}, TestP256()),
       "not that of the key"},
      {"RS256 naming an EC key", Token({{"alg", "RS256"}, {"kid", "ec"}}, {}, TestRsa()),
       "not that of the key"},
      // Keys.
      {"no kid", Token({{"kid", nullptr}}, {}), "names no key"},
      {"kid a number", Token({{"kid", 1}}, {}), "names no key"},
      {"kid unknown", Token({{"kid", "other"}}, {}), "nobody we trust"},
      {"kid a path", Token({{"kid", "../../../../dev/null"}}, {}), "nobody we trust"},
      {"kid a query", Token({{"kid", "x' or '1'='1"}}, {}), "nobody we trust"},
      {"kid with a NUL", Token({{"kid", std::string("ed\0", 3)}}, {}), "nobody we trust"},
      {"brings its own key", Token({{"jwk", TestEd25519().Jwk("ed")}}, {}), "jwk"},
      {"tells where to fetch keys", Token({{"jku", "https://evil.example"}}, {}), "jku"},
      {"brings a certificate", Token({{"x5c", Json::array({"abc"})}}, {}), "x5c"},
      // Signatures.
      {"signed by another key of the family", Token({}, {}, TestKey::Ed25519()), "signature"},
      {"signed by another RSA key",
       Token({{"alg", "RS256"}, {"kid", "rsa"}}, {}, TestKey::Rsa(2048)), "signature"},
      {"no signature", Tampered([](auto& parts) { parts[2].clear(); }), "signature"},
      {"signature cut", Tampered([](auto& parts) { parts[2].resize(40); }), "signature"},
      {"payload changed after signing", Tampered([](auto& parts) {
         parts[1] = EncodeBase64Url(With(GoodPayload(), {{"sub", "somebody-else"}}).dump());
       }),
       "signature is wrong"},
      // Form.
      {"empty", "", "three parts"},
      {"not a token", kCanary, "three parts"},
      {"only dots", "..", "header"},
      {"five parts, as if encrypted", Token({}, {}) + ".a.b", "three parts"},
      {"white space in front", " " + Token({}, {}), "base64url"},
      {"padding", Tampered([](auto& parts) { parts[0] += "="; }), "base64url"},
      {"padding in the signature", Tampered([](auto& parts) { parts[2] += "=="; }), "base64url"},
      {"letters of the other base64", Tampered([](auto& parts) { parts[2][3] = '+'; }),
       "base64url"},
      {"stray bits at the end", Tampered([](auto& parts) { ++parts[2].back(); }), "base64url"},
      {"line break", Tampered([](auto& parts) { parts[2].insert(10, "\n"); }), "base64url"},
      {"longer than we read", std::string(8193, 'a'), "too long"},
      {"huge base64", Token({}, {{"junk", std::string(9000, 'a')}}), "too long"},
      {"huge header", Token({{"junk", std::string(2000, 'a')}}, {}), "header is too long"},
      {"header not JSON", TokenOfText("{", good_payload), "header: not JSON"},
      {"header an array", TokenOfText("[]", good_payload), "not an object"},
      {"header nested", TokenOfText(R"({"a":)" + deep + "}", good_payload), "deeply"},
      {"header names alg twice",
       TokenOfText(R"({"alg":"EdDSA","kid":"ed","alg":"none"})", good_payload), "twice"},
      {"crit", Token({{"crit", Json::array({"exp"})}}, {}), "crit"},
      {"b64", Token({{"b64", false}}, {}), "b64"},
      {"zip", Token({{"zip", "DEF"}}, {}), "zip"},
      {"typ of another kind of token", Token({{"typ", "logout+jwt"}}, {}), "typ"},
      {"typ of the gateway's identities", Token({{"typ", "qm-identity+jwt"}}, {}), "typ"},
      {"typ empty", Token({{"typ", ""}}, {}), "typ"},
      {"typ a number", Token({{"typ", 1}}, {}), "typ"},
      {"payload not JSON", TokenOfText(good_header, "sub=a"), "payload: not JSON"},
      {"payload a string", TokenOfText(good_header, R"("a")"), "not an object"},
      {"payload nested", TokenOfText(good_header, R"({"a":)" + deep + "}"), "deeply"},
      {"payload not UTF-8", TokenOfText(good_header, "{\"sub\":\"\xff\"}"), "not JSON"},
      {"something behind the payload", TokenOfText(good_header, good_payload + "{}"), "not JSON"},
      {"payload names sub twice",
       TokenOfText(good_header, R"({"sub":"a",)" + good_payload.substr(1)), "twice"},
      {"payload names sub twice, once escaped",
       TokenOfText(good_header, R"({"\u0073ub":"a",)" + good_payload.substr(1)), "twice"},
      {"a grant names its unit twice",
       TokenOfText(good_header, R"({"grants":[{"role":"a","unit":"units/a","unit":"units/b"}]})"),
       "twice"},
      // Who for whom.
      {"another issuer", Token({}, {{"iss", "https://evil.example"}}), "issuer"},
      {"issuer with a slash more", Token({}, {{"iss", absl::StrCat(kIssuer, "/")}}), "issuer"},
      {"no issuer", Token({}, {{"iss", nullptr}}), "issuer"},
      {"issuer a list", Token({}, {{"iss", Json::array({kIssuer})}}), "issuer"},
      {"another audience", Token({}, {{"aud", "console"}}), "audience"},
      {"several, none ours", Token({}, {{"aud", {"console", "quartermaste"}}}), "audience"},
      {"audience nested", Token({}, {{"aud", Json::array({Json::array({"quartermaster"})})}}),
       "audience"},
      {"no audience", Token({}, {{"aud", nullptr}}), "audience"},
      {"of the demo", Token({}, {{"iss", kDemoIssuer}}), "demo"},
      // Times.
      {"expired",
       Token({}, {{"iat", Seconds(-absl::Hours(1))}, {"exp", Seconds(-absl::Minutes(1))}}),
       "expired"},
      {"not valid yet", Token({}, {{"nbf", Seconds(absl::Seconds(61))}}), "not valid yet"},
      {"issued in the future", Token({}, {{"iat", Seconds(absl::Seconds(61))}}), "future"},
      {"no exp", Token({}, {{"exp", nullptr}}), "iat and exp"},
      {"no iat", Token({}, {{"iat", nullptr}}), "iat and exp"},
      {"exp a string", Token({}, {{"exp", "9999999999"}}), "iat and exp"},
      {"exp with a fraction", Token({}, {{"exp", 1790003600.5}}), "iat and exp"},
      {"exp negative", Token({}, {{"exp", -1}}), "iat and exp"},
      {"exp beyond 63 bits", Token({}, {{"exp", 18446744073709551615u}}), "iat and exp"},
      {"exp just beyond 63 bits", Token({}, {{"exp", 9223372036854775808u}}), "iat and exp"},
      {"exp beyond 64 bits",
       TokenOfText(good_header, R"({"exp":18446744073709551617,)" +
                                    With(GoodPayload(), {{"exp", nullptr}}).dump().substr(1)),
       "iat and exp"},
      {"exp beyond any number",
       TokenOfText(good_header,
                   R"({"exp":1e999,)" + With(GoodPayload(), {{"exp", nullptr}}).dump().substr(1)),
       "not JSON"},
      {"exp in milliseconds", Token({}, {{"exp", 1'790'003'600'000}}), "iat and exp"},
      {"nbf a string", Token({}, {{"nbf", "0"}}), "nbf"},
      {"lives too long", Token({}, {{"exp", Seconds(absl::Hours(24) + absl::Seconds(1))}}),
       "longer than we allow"},
      {"ends before it begins",
       Token({}, {{"iat", Seconds(absl::Seconds(30))}, {"exp", Seconds(absl::Seconds(30))}}),
       "not at all"},
      // Persons and grants.
      {"no subject", Token({}, {{"sub", nullptr}}), "sub"},
      {"subject empty", Token({}, {{"sub", ""}}), "sub"},
      {"subject a number", Token({}, {{"sub", 7}}), "sub"},
      {"subject with a slash", Token({}, {{"sub", "a/../systems/province"}}), "sub"},
      {"subject with a NUL", Token({}, {{"sub", std::string("a\0b", 3)}}), "sub"},
      {"subject with a space", Token({}, {{"sub", "a b"}}), "sub"},
      {"subject of look-alike letters", Token({}, {{"sub", "аdmin"}}), "sub"},
      {"subject too long", Token({}, {{"sub", std::string(121, 'a')}}), "sub"},
      {"grants an object", Token({}, {{"grants", {{"role", "dispatcher"}}}}), "grants"},
      {"too many grants", Token({}, {{"grants", ManyGrants(kGrantsMax + 1)}}), "grants"},
      {"a grant without a unit", Token({}, {{"grants", Json::array({{{"role", "dispatcher"}}})}}),
       "unit"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);

    const auto claims = verifier_.Verify(row.token, keys_, kNow);

    ASSERT_FALSE(claims.ok());
    EXPECT_EQ(claims.status().code(), absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(status::GetReason(claims.status()), "CREDENTIALS_INVALID");
    const std::string text(claims.status().message());
    EXPECT_THAT(text, HasSubstr(row.why));
    EXPECT_THAT(text, Not(HasSubstr(kCanary)));
    EXPECT_LT(text.size(), 120u);
  }
}

TEST_F(JwtVerifierTest, BelievesTheDemoOnlyWhereItIsAllowed) {
  const std::string token = Token({}, {{"iss", kDemoIssuer}});
  const JwtVerifier outside({.issuer = kDemoIssuer, .audience = "quartermaster"});
  const JwtVerifier inside(
      {.issuer = kDemoIssuer, .audience = "quartermaster", .allow_demo_issuer = true});

  EXPECT_FALSE(outside.Verify(token, keys_, kNow).ok());
  EXPECT_TRUE(inside.Verify(token, keys_, kNow).ok());
}

TEST_F(JwtVerifierTest, StopsBelievingAfterTheLeeway) {
  const std::string token = Token({}, {});
  const auto claims = verifier_.Verify(token, keys_, kNow);
  ASSERT_TRUE(claims.ok());

  const absl::Time end = verifier_.BelievableUntil(*claims);

  EXPECT_EQ(end, claims->expire_time + absl::Seconds(60));
  EXPECT_TRUE(verifier_.Verify(token, keys_, end - absl::Nanoseconds(1)).ok());
  EXPECT_FALSE(verifier_.Verify(token, keys_, end).ok());
}

TEST(JwtSignerTest, SignsWhatTheVerifierReads) {
  const auto signer = JwtSigner::FromPem(
      JwtSigner::GenerateKey(), {.issuer = kIssuer, .audience = "quartermaster", .type = "x+jwt"});
  ASSERT_TRUE(signer.ok()) << signer.status();
  const Claims said = {
      .subject = "lin",
      .issue_time = kNow,
      .expire_time = kNow + absl::Minutes(2),
      .grants = {{.role = "dispatcher", .unit = "units/a", .end_time = kNow + absl::Hours(5)},
                 {.role = "auditor", .unit = "units/b"}}};

  const std::string token = signer->Sign(said);

  const auto keys = KeySet::Parse(signer->RenderJwks());
  ASSERT_TRUE(keys.ok()) << keys.status();
  const JwtVerifier verifier({.issuer = kIssuer, .audience = "quartermaster", .types = {"x+jwt"}});
  const auto heard = verifier.Verify(token, *keys, kNow);
  ASSERT_TRUE(heard.ok()) << heard.status();
  EXPECT_EQ(heard->subject, said.subject);
  EXPECT_EQ(heard->issue_time, said.issue_time);
  EXPECT_EQ(heard->expire_time, said.expire_time);
  EXPECT_EQ(heard->grants, said.grants);
}

TEST(JwtSignerTest, RefusesOtherKeysWithoutRepeatingThem) {
  for (const std::string& pem : {std::string(), std::string("secret words"),
                                 TestEd25519().PublicPem(), TestRsa().PublicPem()}) {
    const auto signer = JwtSigner::FromPem(pem, {.issuer = "a", .audience = "b"});

    ASSERT_FALSE(signer.ok());
    EXPECT_EQ(std::string(signer.status().message()), "not an Ed25519 private key in PEM");
  }
}

}  // namespace
}  // namespace quartermaster::auth
