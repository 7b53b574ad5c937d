#include "platform/auth/identity_minter.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace quartermaster::auth {
namespace {

// Not on a whole second, so that cutting to seconds shows.
const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000) + absl::Milliseconds(700);

Claims ClaimsOf(const std::string& subject, absl::Duration lifetime) {
  return {.subject = subject,
          .issue_time = absl::FromUnixSeconds(1'790'000'000) - absl::Hours(1),
          .expire_time = absl::FromUnixSeconds(1'790'000'000) + lifetime,
          .grants = {{"dispatcher", "units/a", kNow + absl::Hours(5)}, {"auditor", "units/b"}},
          .token_digest = base::Sha256(subject)};
}

class IdentityMinterTest : public testing::Test {
 protected:
  // What a service reads in an identity.
  absl::StatusOr<Claims> Read(const std::string& token, absl::Time now) {
    return verifier_.Verify(token, *KeySet::Parse(minter_->RenderJwks()), now);
  }

  const std::unique_ptr<IdentityMinter> minter_ =
      *IdentityMinter::Make(JwtSigner::GenerateKey(), {.cache_size_max = 2});
  const JwtVerifier verifier_{{.issuer = kGatewayIssuer,
                               .audience = kServicesAudience,
                               .types = {kIdentityType},
                               .clock_skew = absl::ZeroDuration(),
                               .lifetime_max = absl::Minutes(2)}};
};

TEST_F(IdentityMinterTest, SaysWhatThePersonsOwnTokenSaid) {
  const Claims lin = ClaimsOf("lin", absl::Hours(1));

  const auto token = minter_->Mint(lin, kNow);

  ASSERT_TRUE(token.ok()) << token.status();
  const auto identity = Read(*token, kNow);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->subject, "lin");
  EXPECT_EQ(identity->grants, lin.grants);
  EXPECT_LE(identity->expire_time - kNow, absl::Minutes(2));
  EXPECT_GE(identity->expire_time - kNow, absl::Minutes(2) - absl::Seconds(1));
}

TEST_F(IdentityMinterTest, SignsOncePerPersonAndMinute) {
  const Claims lin = ClaimsOf("lin", absl::Hours(1));
  const std::string first = *minter_->Mint(lin, kNow);

  EXPECT_EQ(*minter_->Mint(lin, kNow + absl::Milliseconds(59'999)), first);
  EXPECT_NE(*minter_->Mint(lin, kNow + absl::Seconds(60)), first);
  EXPECT_NE(*minter_->Mint(ClaimsOf("shen", absl::Hours(1)), kNow), first);
}

// Goal: no identity is good for longer than the token that it stands for, and none that is handed
// out is already dead.
// Method: mint at every half second of a token's last three minutes, remembered identities
// included, and read each as a service without any leeway would.
TEST_F(IdentityMinterTest, NeverOutlivesTheToken) {
  const Claims lin = ClaimsOf("lin", absl::Minutes(3));
  for (absl::Time now = kNow; now < lin.expire_time; now += absl::Milliseconds(500)) {
    SCOPED_TRACE(absl::FormatDuration(lin.expire_time - now));

    const auto token = minter_->Mint(lin, now);

    ASSERT_TRUE(token.ok()) << token.status();
    const auto identity = Read(*token, now);
    ASSERT_TRUE(identity.ok()) << identity.status();
    EXPECT_LE(identity->expire_time, lin.expire_time);
  }
  const auto late = minter_->Mint(lin, lin.expire_time);
  EXPECT_EQ(late.status().code(), absl::StatusCode::kUnauthenticated);
}

TEST_F(IdentityMinterTest, StillSignsForPersonsThatItHadNoRoomToRemember) {
  for (int i = 0; i < 8; ++i) {
    const std::string subject = absl::StrCat("person-", i % 4);

    const auto token = minter_->Mint(ClaimsOf(subject, absl::Hours(1)), kNow);

    ASSERT_TRUE(token.ok()) << token.status();
    EXPECT_EQ(Read(*token, kNow)->subject, subject);
  }
}

TEST(IdentityMinterMakeTest, RefusesWhatCannotWork) {
  const std::string pem = JwtSigner::GenerateKey();

  EXPECT_TRUE(IdentityMinter::Make(pem, {}).ok());
  EXPECT_FALSE(IdentityMinter::Make("no key", {}).ok());
  EXPECT_FALSE(IdentityMinter::Make(pem, {.renew_after = absl::Minutes(2)}).ok());
  EXPECT_FALSE(IdentityMinter::Make(pem, {.renew_after = absl::ZeroDuration()}).ok());
}

}  // namespace
}  // namespace quartermaster::auth
