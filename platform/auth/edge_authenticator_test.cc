#include "platform/auth/edge_authenticator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/auth/test_files.h"
#include "platform/auth/test_tokens.h"
#include "platform/status/error.h"

namespace quartermaster::auth {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kIssuer[] = "https://identity.example";
const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

std::string TokenOf(const std::string& subject, const TestKey& key, const std::string& kid,
                    const std::string& issuer = kIssuer) {
  return RenderToken({{"alg", "EdDSA"}, {"typ", "JWT"}, {"kid", kid}},
                     {{"iss", issuer},
                      {"aud", "quartermaster"},
                      {"sub", subject},
                      {"iat", absl::ToUnixSeconds(kNow)},
                      {"exp", absl::ToUnixSeconds(kNow + absl::Hours(1))},
                      {"grants", Json::array({{{"role", "auditor"}, {"unit", "units/a"}}})}},
                     key);
}

class EdgeAuthenticatorTest : public testing::Test {
 protected:
  EdgeAuthenticator::Options Options() {
    return {.issuer = kIssuer,
            .keys_path = folder_.PathOf("jwks.json"),
            .cache_size_max = 2,
            .on_file_problem = [this](const absl::Status& problem) {
              problems_.emplace_back(problem.message());
            }};
  }
  void SetUp() override {
    folder_.Put("jwks.json", RenderJwks({TestEd25519().Jwk("ed")}));
    auto made = EdgeAuthenticator::Make(Options());
    ASSERT_TRUE(made.ok()) << made.status();
    authenticator_ = *std::move(made);
  }

  TestFolder folder_;
  std::vector<std::string> problems_;
  std::unique_ptr<EdgeAuthenticator> authenticator_;
};

TEST_F(EdgeAuthenticatorTest, KnowsAPersonByTheBearerToken) {
  const std::string token = TokenOf("lin", TestEd25519(), "ed");
  for (const char* scheme : {"Bearer ", "bearer ", "BEARER "}) {
    const auto person = authenticator_->Identify(scheme + token, kNow);

    ASSERT_TRUE(person.ok()) << person.status();
    EXPECT_EQ((*person)->claims.subject, "lin");
    EXPECT_EQ((*person)->claims.token_digest, base::Sha256(token));
  }
  const auto caller = authenticator_->Authenticate({.authorization = "Bearer " + token}, kNow);
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ(caller->name, "persons/lin");
  EXPECT_TRUE(caller->MayAnywhere("ledger.read", kNow));
}

TEST_F(EdgeAuthenticatorTest, RefusesOtherHeadersWithoutRepeatingThem) {
  const std::string token = TokenOf("lin", TestEd25519(), "ed");
  for (const std::string& header :
       {std::string(), token, "Basic " + token, "Bearer  " + token, "Bearer\t" + token,
        "Bearer " + token + " ", "Bearer " + token + ", Bearer " + token, std::string("Bearer "),
        std::string("Bearer canary")}) {
    SCOPED_TRACE(header);

    const auto person = authenticator_->Identify(header, kNow);

    ASSERT_FALSE(person.ok());
    EXPECT_EQ(person.status().code(), absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(status::GetReason(person.status()), "CREDENTIALS_INVALID");
    EXPECT_THAT(std::string(person.status().message()), Not(HasSubstr("canary")));
    EXPECT_THAT(std::string(person.status().message()), Not(HasSubstr(token.substr(0, 20))));
  }
  // An identity made for services opens no door here.
  EXPECT_FALSE(authenticator_->Authenticate({.identity_token = token}, kNow).ok());
}

TEST_F(EdgeAuthenticatorTest, LearnsANewKeyWithinTheInterval) {
  const TestKey next = TestKey::Ed25519();
  const std::string old_token = absl::StrCat("Bearer ", TokenOf("lin", TestEd25519(), "ed"));
  const std::string new_token = absl::StrCat("Bearer ", TokenOf("lin", next, "next"));
  ASSERT_TRUE(authenticator_->Identify(old_token, kNow).ok());
  ASSERT_FALSE(authenticator_->Identify(new_token, kNow).ok());

  folder_.Put("jwks.json", RenderJwks({next.Jwk("next")}));

  EXPECT_FALSE(authenticator_->Identify(new_token, kNow + absl::Seconds(4)).ok());
  EXPECT_TRUE(authenticator_->Identify(new_token, kNow + absl::Seconds(5)).ok());
  // A key that was taken back opens nothing more, remembered or not.
  EXPECT_FALSE(authenticator_->Identify(old_token, kNow + absl::Seconds(5)).ok());
}

TEST_F(EdgeAuthenticatorTest, GoesOnWithTheOldKeysWhenTheFileBreaks) {
  const std::string header = absl::StrCat("Bearer ", TokenOf("lin", TestEd25519(), "ed"));
  folder_.Put("jwks.json", R"({"keys":[{"kty":"oct","kid":"k","k":"c2VjcmV0"}]})");

  EXPECT_TRUE(authenticator_->Identify(header, kNow).ok());
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("symmetric")));
}

TEST_F(EdgeAuthenticatorTest, StillKnowsPersonsThatItHadNoRoomToRemember) {
  for (int round = 0; round < 2; ++round) {
    for (const char* subject : {"a", "b", "c", "d"}) {
      const auto person = authenticator_->Identify(
          absl::StrCat("Bearer ", TokenOf(subject, TestEd25519(), "ed")), kNow);

      ASSERT_TRUE(person.ok()) << person.status();
      EXPECT_EQ((*person)->claims.subject, subject);
    }
  }
}

TEST_F(EdgeAuthenticatorTest, ForgetsARememberedTokenWhenItExpires) {
  const std::string header = absl::StrCat("Bearer ", TokenOf("lin", TestEd25519(), "ed"));
  ASSERT_TRUE(authenticator_->Identify(header, kNow).ok());

  EXPECT_TRUE(authenticator_->Identify(header, kNow + absl::Minutes(60)).ok());
  EXPECT_FALSE(authenticator_->Identify(header, kNow + absl::Minutes(61)).ok());
}

TEST_F(EdgeAuthenticatorTest, BelievesTheDemoIssuerOnlyInTheDemo) {
  const std::string header =
      absl::StrCat("Bearer ", TokenOf("lin", TestEd25519(), "ed", kDemoIssuer));
  EXPECT_FALSE(authenticator_->Identify(header, kNow).ok());
  EdgeAuthenticator::Options options = Options();
  options.issuer = kDemoIssuer;

  const auto outside = EdgeAuthenticator::Make(options);
  options.allow_demo_issuer = true;
  const auto inside = EdgeAuthenticator::Make(options);

  ASSERT_FALSE(outside.ok());
  EXPECT_THAT(std::string(outside.status().message()), HasSubstr("for the demo only"));
  ASSERT_TRUE(inside.ok()) << inside.status();
  EXPECT_TRUE((*inside)->Identify(header, kNow).ok());
}

TEST_F(EdgeAuthenticatorTest, IsNotMadeWithoutAnIssuerOrKeys) {
  EdgeAuthenticator::Options no_issuer = Options();
  no_issuer.issuer.clear();
  EdgeAuthenticator::Options no_keys = Options();
  no_keys.keys_path = folder_.PathOf("missing.json");

  EXPECT_FALSE(EdgeAuthenticator::Make(no_issuer).ok());
  EXPECT_THAT(std::string(EdgeAuthenticator::Make(no_keys).status().message()),
              HasSubstr("missing.json"));
}

}  // namespace
}  // namespace quartermaster::auth
