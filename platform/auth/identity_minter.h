#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/auth/authenticator.h"
#include "platform/auth/bounded_cache.h"
#include "platform/auth/jwt.h"

namespace quartermaster::auth {

// Signs the identity of a person for the services behind the gateway, in the gateway's name.
//
// An identity says what the person's own token said, never more and never for longer, and is used
// for `renew_after` before the next one is signed, so that services can remember it. Thread-safe.
class IdentityMinter {
 public:
  struct Options {
    // How long an identity may live; services refuse more than two minutes.
    absl::Duration lifetime = absl::Minutes(2);
    absl::Duration renew_after = absl::Minutes(1);
    // Persons at work within a minute.
    size_t cache_size_max = 4096;
  };

  // Reads the gateway's private Ed25519 key. INVALID_ARGUMENT if it is not one, or if identities
  // would not outlive their renewal.
  static absl::StatusOr<std::unique_ptr<IdentityMinter>> Make(absl::string_view key_pem,
                                                              Options options);

  // Returns the value of metadata `qm-identity`. UNAUTHENTICATED if the person's own token has
  // expired, the leeway that it was verified with left out.
  absl::StatusOr<std::string> Mint(const Claims& claims, absl::Time now);

  // Returns the JWKS that services need.
  std::string RenderJwks() const { return signer_.RenderJwks(); }

 private:
  IdentityMinter(JwtSigner signer, const Options& options)
      : signer_(std::move(signer)), options_(options), cache_(options.cache_size_max) {}

  const JwtSigner signer_;
  const Options options_;
  BoundedCache<std::shared_ptr<const std::string>> cache_;
};

}  // namespace quartermaster::auth
