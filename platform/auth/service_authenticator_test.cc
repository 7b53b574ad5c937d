#include "platform/auth/service_authenticator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "platform/auth/identity_minter.h"
#include "platform/auth/test_files.h"
#include "platform/auth/test_tokens.h"
#include "platform/status/error.h"

namespace quartermaster::auth {
namespace {

using ::testing::HasSubstr;

constexpr char kGateway[] = "spiffe://quartermaster/gateway";
constexpr char kProvince[] = "spiffe://quartermaster/systems/province";
const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

// A gateway with a key of its own, as the services see it.
struct Gateway {
  std::string pem = JwtSigner::GenerateKey();
  std::unique_ptr<IdentityMinter> minter = *IdentityMinter::Make(pem, {});

  std::string IdentityOf(const std::string& subject, absl::Time now = kNow) {
    return *minter->Mint({.subject = subject,
                          .issue_time = now,
                          .expire_time = now + absl::Hours(1),
                          .grants = {{"dispatcher", "units/a"}},
                          .token_digest = base::Sha256(subject)},
                         now);
  }
};

class ServiceAuthenticatorTest : public testing::Test {
 protected:
  ServiceAuthenticator::Options Options() {
    return {.gateway_keys_path = folder_.PathOf("gateway-jwks.json"),
            .systems_path = folder_.PathOf("systems.json"),
            .cache_size_max = 2};
  }
  void SetUp() override {
    folder_.Put("gateway-jwks.json", gateway_.minter->RenderJwks());
    folder_.Put("systems.json",
                R"({"spiffe://quartermaster/systems/province": {"name": "systems/province",
                    "grants": [{"role": "integrator", "unit": "units/a"}]},
                    "spiffe://quartermaster/gateway": {"name": "systems/gateway",
                    "grants": [{"role": "administrator", "unit": "units/a"}]}})");
    auto made = ServiceAuthenticator::Make(Options());
    ASSERT_TRUE(made.ok()) << made.status();
    authenticator_ = *std::move(made);
  }
  absl::StatusOr<base::Caller> Authenticate(const std::string& token,
                                            const std::vector<std::string>& peers,
                                            absl::Time now = kNow) {
    return authenticator_->Authenticate({.identity_token = token, .peer_spiffe_ids = peers}, now);
  }

  TestFolder folder_;
  Gateway gateway_;
  std::unique_ptr<ServiceAuthenticator> authenticator_;
};

TEST_F(ServiceAuthenticatorTest, KnowsAPersonByTheGatewaysWord) {
  const auto caller = Authenticate(gateway_.IdentityOf("lin"), {kGateway});

  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ(caller->name, "persons/lin");
  EXPECT_TRUE(caller->MayAnywhere("transfers.dispatch", kNow));
}

TEST_F(ServiceAuthenticatorTest, KnowsASystemByItsCertificate) {
  const auto caller = Authenticate("", {kProvince});

  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ(caller->name, "systems/province");
  EXPECT_TRUE(caller->MayAnywhere("ledger.post", kNow));
}

TEST_F(ServiceAuthenticatorTest, LetsTheGatewayAloneCarryCallsOfOthers) {
  const auto check = [&](const std::vector<std::string>& peers) {
    return authenticator_->CheckRelay({.peer_spiffe_ids = peers}).code();
  };

  EXPECT_EQ(check({kGateway}), absl::StatusCode::kOk);
  EXPECT_EQ(check({kProvince}), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(check({kGateway, kProvince}), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(check({"spiffe://evil/gateway"}), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(check({}), absl::StatusCode::kPermissionDenied);
}

TEST_F(ServiceAuthenticatorTest, RefusesWhoeverIsNotSaidToBeAnyone) {
  const std::string lin = gateway_.IdentityOf("lin");
  Gateway impostor;
  const auto signer =
      JwtSigner::FromPem(gateway_.pem, {.issuer = kGatewayIssuer, .audience = kServicesAudience});
  ASSERT_TRUE(signer.ok());
  const auto sign = [&](JwtSigner::Options options, absl::Duration lifetime) {
    return JwtSigner::FromPem(gateway_.pem, options)
        ->Sign({.subject = "lin", .issue_time = kNow, .expire_time = kNow + lifetime});
  };
  const JwtSigner::Options good = {kGatewayIssuer, kServicesAudience, kIdentityType};
  ASSERT_TRUE(Authenticate(sign(good, absl::Minutes(2)), {kGateway}).ok());
  const struct {
    const char* name;
    std::string token;
    std::vector<std::string> peers;
    const char* why;
  } kRows[] = {
      {"nobody", "", {}, "client certificate"},
      {"an identity without a certificate", lin, {}, "client certificate"},
      {"an identity from a system", lin, {kProvince}, "only the gateway"},
      {"an identity from a stranger", lin, {"spiffe://evil/gateway"}, "only the gateway"},
      {"a certificate with two names", lin, {kGateway, kProvince}, "exactly one"},
      {"a certificate with one name twice", "", {kProvince, kProvince}, "exactly one"},
      {"the gateway for itself, though somebody listed it", "", {kGateway}, "for whom"},
      {"a system that is not listed", "", {"spiffe://quartermaster/systems/other"}, "not in"},
      {"another trust domain", "", {"spiffe://evil/systems/province"}, "not in"},
      {"an identity of another key", impostor.IdentityOf("lin"), {kGateway}, "nobody we trust"},
      {"a person's own token",
       sign({kGatewayIssuer, kServicesAudience, "JWT"}, absl::Minutes(2)),
       {kGateway},
       "typ"},
      {"of another issuer",
       sign({kDemoIssuer, kServicesAudience, kIdentityType}, absl::Minutes(2)),
       {kGateway},
       "demo"},
      {"for another audience",
       sign({kGatewayIssuer, "quartermaster", kIdentityType}, absl::Minutes(2)),
       {kGateway},
       "audience"},
      {"that lives too long", sign(good, absl::Seconds(121)), {kGateway}, "longer"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);

    const auto caller = Authenticate(row.token, row.peers);

    ASSERT_FALSE(caller.ok());
    EXPECT_EQ(caller.status().code(), absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(status::GetReason(caller.status()), "CREDENTIALS_INVALID");
    EXPECT_THAT(std::string(caller.status().message()), HasSubstr(row.why));
  }
}

TEST_F(ServiceAuthenticatorTest, ForgetsARememberedIdentityWhenItExpires) {
  const std::string lin = gateway_.IdentityOf("lin");
  ASSERT_TRUE(Authenticate(lin, {kGateway}).ok());

  EXPECT_TRUE(Authenticate(lin, {kGateway}, kNow + absl::Seconds(179)).ok());
  EXPECT_FALSE(Authenticate(lin, {kGateway}, kNow + absl::Seconds(180)).ok());
}

TEST_F(ServiceAuthenticatorTest, AsksForTheGatewaysCertificateEvenIfTheIdentityIsRemembered) {
  const std::string lin = gateway_.IdentityOf("lin");
  ASSERT_TRUE(Authenticate(lin, {kGateway}).ok());

  EXPECT_FALSE(Authenticate(lin, {kProvince}).ok());
}

TEST_F(ServiceAuthenticatorTest, StillKnowsPersonsThatItHadNoRoomToRemember) {
  for (int round = 0; round < 3; ++round) {
    for (const char* subject : {"a", "b", "c", "d"}) {
      const auto caller = Authenticate(gateway_.IdentityOf(subject), {kGateway});

      ASSERT_TRUE(caller.ok()) << caller.status();
      EXPECT_EQ(caller->name, std::string("persons/") + subject);
    }
  }
}

TEST_F(ServiceAuthenticatorTest, ForgetsIdentitiesOfAReplacedKey) {
  const std::string lin = gateway_.IdentityOf("lin");
  ASSERT_TRUE(Authenticate(lin, {kGateway}).ok());
  Gateway next;

  folder_.Put("gateway-jwks.json", next.minter->RenderJwks());

  const absl::Time later = kNow + absl::Seconds(5);
  EXPECT_FALSE(Authenticate(lin, {kGateway}, later).ok());
  EXPECT_TRUE(Authenticate(next.IdentityOf("lin", later), {kGateway}, later).ok());
}

TEST_F(ServiceAuthenticatorTest, ForgetsASystemThatWasTakenOffTheList) {
  ASSERT_TRUE(Authenticate("", {kProvince}).ok());

  folder_.Put("systems.json", "{}");

  EXPECT_FALSE(Authenticate("", {kProvince}, kNow + absl::Seconds(5)).ok());
}

TEST_F(ServiceAuthenticatorTest, LetsNoSystemInWithoutAList) {
  ServiceAuthenticator::Options options = Options();
  options.systems_path.clear();
  authenticator_ = *ServiceAuthenticator::Make(options);

  EXPECT_FALSE(Authenticate("", {kProvince}).ok());
  EXPECT_TRUE(Authenticate(gateway_.IdentityOf("lin"), {kGateway}).ok());
}

TEST_F(ServiceAuthenticatorTest, IsNotMadeOfUnusableFiles) {
  folder_.Put("systems.json", "{");
  const auto made = ServiceAuthenticator::Make(Options());

  ASSERT_FALSE(made.ok());
  EXPECT_THAT(std::string(made.status().message()), HasSubstr("systems.json"));
}

}  // namespace
}  // namespace quartermaster::auth
