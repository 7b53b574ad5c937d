#include "platform/auth/identity_minter.h"

#include <algorithm>
#include <utility>

#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"

namespace quartermaster::auth {

absl::StatusOr<std::unique_ptr<IdentityMinter>> IdentityMinter::Make(absl::string_view key_pem,
                                                                     Options options) {
  if (options.renew_after <= absl::ZeroDuration() || options.renew_after >= options.lifetime) {
    return absl::InvalidArgumentError("identities must be renewed before they expire");
  }
  QM_ASSIGN_OR_RETURN(JwtSigner signer, JwtSigner::FromPem(key_pem, {.issuer = kGatewayIssuer,
                                                                     .audience = kServicesAudience,
                                                                     .type = kIdentityType}));
  return std::unique_ptr<IdentityMinter>(new IdentityMinter(std::move(signer), options));
}

absl::StatusOr<std::string> IdentityMinter::Mint(const Claims& claims, absl::Time now) {
  // What is remembered is found by the token: claims that come from none would share one identity.
  QM_CHECK(claims.token_digest != base::Sha256Digest{});
  if (now >= claims.expire_time) {
    return status::CredentialsInvalid("the token has expired; sign in again");
  }
  if (const auto minted = cache_.Find(claims.token_digest, now)) return **minted;

  Claims identity = claims;
  identity.issue_time = absl::FromUnixSeconds(absl::ToUnixSeconds(now));
  identity.expire_time = std::min(claims.expire_time, identity.issue_time + options_.lifetime);
  auto token = std::make_shared<const std::string>(signer_.Sign(identity));
  cache_.Insert(claims.token_digest, token,
                std::min(claims.expire_time, now + options_.renew_after));
  return *token;
}

}  // namespace quartermaster::auth
