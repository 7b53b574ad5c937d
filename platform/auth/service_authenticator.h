#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/auth/authenticator.h"
#include "platform/auth/bounded_cache.h"
#include "platform/auth/jwk.h"
#include "platform/auth/jwt.h"
#include "platform/auth/roles.h"
#include "platform/auth/systems.h"
#include "platform/auth/watched_file.h"

namespace quartermaster::auth {

// Tells a service who calls, by the client certificate alone or, if that is the gateway's, by the
// identity of a person that the gateway has signed.
//
// - The gateway may speak for persons only. Without `qm-identity` it is nobody.
// - Any other certificate may speak for itself only, if the systems file names it. With
//   `qm-identity` the call is refused, not taken for the system's own.
// - A certificate with no SPIFFE id, or with several, is nobody's.
//
// Key and systems files are read again when they change; what was remembered of tokens signed by
// replaced keys is forgotten at once. Thread-safe.
class ServiceAuthenticator final : public Authenticator {
 public:
  struct Options {
    std::vector<std::string> gateway_spiffe_ids = {"spiffe://quartermaster/gateway"};
    // JWKS with the gateway's public keys.
    std::string gateway_keys_path;
    // See `Systems`. Empty: no system may call.
    std::string systems_path;
    absl::Duration file_check_interval = absl::Seconds(5);
    absl::Duration clock_skew = absl::Seconds(60);
    absl::Duration identity_lifetime_max = absl::Minutes(2);
    size_t token_bytes_max = 8192;
    // Remembered identities: persons at work within a minute or two.
    size_t cache_size_max = 4096;
    // Told of a changed file that cannot be used.
    std::function<void(const absl::Status&)> on_file_problem;
  };

  // Fails, naming the file, if one cannot be used.
  static absl::StatusOr<std::unique_ptr<ServiceAuthenticator>> Make(
      Options options, const Roles& roles = Roles::BuiltIn());

  absl::StatusOr<base::Caller> Authenticate(const Credentials& credentials,
                                            absl::Time now) override;

  // Lets the gateway's certificate pass, whatever else comes with the call.
  absl::Status CheckRelay(const Credentials& credentials) override;

 private:
  // A caller, and the keys by which we know it.
  struct Known {
    base::Caller caller;
    std::shared_ptr<const KeySet> keys;
  };

  ServiceAuthenticator(const Options& options, const Roles& roles,
                       std::unique_ptr<WatchedFile<KeySet>> gateway_keys,
                       std::unique_ptr<WatchedFile<Systems>> systems);

  bool IsGateway(const std::string& spiffe_id) const;
  absl::StatusOr<base::Caller> AuthenticatePerson(absl::string_view token, absl::Time now);

  const std::vector<std::string> gateway_spiffe_ids_;
  const Roles& roles_;
  const JwtVerifier verifier_;
  const std::unique_ptr<WatchedFile<KeySet>> gateway_keys_;
  // Null if no system may call.
  const std::unique_ptr<WatchedFile<Systems>> systems_;
  BoundedCache<std::shared_ptr<const Known>> cache_;
};

}  // namespace quartermaster::auth
