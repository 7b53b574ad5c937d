#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/auth/jwt.h"

namespace quartermaster::demo {

// The longest a demo token may live: what the gateway takes.
inline constexpr absl::Duration kTokenLifetimeMax = absl::Hours(24);

// Makes in `folder`, each unless it is there:
//   issuer-key.pem            signs demo tokens
//   issuer-jwks.json          the gateway checks them with
//   gateway-identity-key.pem  the gateway signs identities with
//   gateway-jwks.json         the services check them with
// FAILED_PRECONDITION, and nothing overwritten, if a JWKS is not that of the key beside it.
absl::Status MakeKeys(const std::string& folder);

// Returns a bearer token of the demo issuer, valid from `now`. Fails if `MakeKeys` has not run for
// `folder`, if there is no such role, or if the subject or lifetime is out of bounds.
absl::StatusOr<std::string> MakeToken(const std::string& folder, const std::string& subject,
                                      const std::vector<auth::RoleGrant>& grants,
                                      absl::Duration lifetime, absl::Time now);

}  // namespace quartermaster::demo
