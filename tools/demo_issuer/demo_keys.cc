#include "tools/demo_issuer/demo_keys.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/auth/authenticator.h"
#include "platform/auth/edge_authenticator.h"
#include "platform/auth/roles.h"
#include "platform/base/status_macros.h"
#include "tools/demo_issuer/private_file.h"

namespace quartermaster::demo {
namespace {

// A private key and the JWKS of its public half.
absl::Status MakeKeyPair(const std::string& key_path, const std::string& jwks_path) {
  if (!Exists(key_path)) {
    if (Exists(jwks_path)) {
      return absl::FailedPreconditionError(absl::StrCat(jwks_path, " is there but ", key_path,
                                                        " is not; remove it or bring it back"));
    }
    QM_RETURN_IF_ERROR(WriteNewFile(key_path, auth::JwtSigner::GenerateKey()));
  }
  QM_ASSIGN_OR_RETURN(const std::string pem, ReadFile(key_path));
  absl::StatusOr<auth::JwtSigner> signer = auth::JwtSigner::FromPem(pem, {});
  if (!signer.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(key_path, ": ", signer.status().message()));
  }
  if (!Exists(jwks_path)) return WriteNewFile(jwks_path, signer->RenderJwks());
  QM_ASSIGN_OR_RETURN(const std::string jwks, ReadFile(jwks_path));
  if (jwks != signer->RenderJwks()) {
    return absl::FailedPreconditionError(
        absl::StrCat(jwks_path, " is not of ", key_path, "; remove one of them"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MakeKeys(const std::string& folder) {
  QM_RETURN_IF_ERROR(MakePrivateFolder(folder));
  QM_RETURN_IF_ERROR(MakeKeyPair(folder + "/issuer-key.pem", folder + "/issuer-jwks.json"));
  return MakeKeyPair(folder + "/gateway-identity-key.pem", folder + "/gateway-jwks.json");
}

absl::StatusOr<std::string> MakeToken(const std::string& folder, const std::string& subject,
                                      const std::vector<auth::RoleGrant>& grants,
                                      absl::Duration lifetime, absl::Time now) {
  if (!auth::IsSubject(subject)) {
    return absl::InvalidArgumentError(
        "a subject is letters, digits and -._~:|@+=, at most 120 of them");
  }
  if (lifetime < absl::Seconds(1) || lifetime > kTokenLifetimeMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a token may live from 1s to ", absl::FormatDuration(kTokenLifetimeMax)));
  }
  if (grants.size() > auth::kGrantsMax) {
    return absl::InvalidArgumentError(absl::StrCat("at most ", auth::kGrantsMax, " grants"));
  }
  const auth::Roles& roles = auth::Roles::BuiltIn();
  for (const auth::RoleGrant& grant : grants) {
    if (roles.Find(grant.role) != nullptr) continue;
    const auto name = [](std::string* out, const auto& role) { out->append(role.first); };
    return absl::InvalidArgumentError(absl::StrCat("there is no role ", grant.role, ", but ",
                                                   absl::StrJoin(roles.all(), ", ", name)));
  }
  QM_ASSIGN_OR_RETURN(const std::string pem, ReadFile(folder + "/issuer-key.pem"));
  QM_ASSIGN_OR_RETURN(const auth::JwtSigner signer,
                      auth::JwtSigner::FromPem(
                          pem, {.issuer = auth::kDemoIssuer, .audience = auth::kEdgeAudience}));
  return signer.Sign(
      {.subject = subject, .issue_time = now, .expire_time = now + lifetime, .grants = grants});
}

}  // namespace quartermaster::demo
