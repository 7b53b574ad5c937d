#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/auth/authenticator.h"
#include "platform/auth/bounded_cache.h"
#include "platform/auth/jwk.h"
#include "platform/auth/jwt.h"
#include "platform/auth/roles.h"
#include "platform/auth/watched_file.h"

namespace quartermaster::auth {

// Audience of the tokens that persons show to the gateway, unless set otherwise.
inline constexpr char kEdgeAudience[] = "quartermaster";

// Tells the gateway which person calls, by the bearer token of the identity provider.
//
// The provider's keys come from a JWKS file that is read again when it changes; what was remembered
// of tokens signed by replaced keys is forgotten at once. Thread-safe.
class EdgeAuthenticator final : public Authenticator {
 public:
  struct Options {
    std::string issuer;
    std::string audience = kEdgeAudience;
    // JWKS with the provider's public keys.
    std::string keys_path;
    // The file is looked at no more often than this: a new key is unknown for that long at most.
    absl::Duration file_check_interval = absl::Seconds(5);
    absl::Duration clock_skew = absl::Seconds(60);
    absl::Duration token_lifetime_max = absl::Hours(24);
    size_t token_bytes_max = 8192;
    // Remembered tokens: persons at work at the same time.
    size_t cache_size_max = 4096;
    // Whether the issuer may be `kDemoIssuer`.
    bool allow_demo_issuer = false;
    // Told of a changed file that cannot be used.
    std::function<void(const absl::Status&)> on_file_problem;
  };

  // Fails, naming the option, if the issuer is missing or is the demo's outside the demo, or if the
  // file cannot be used.
  static absl::StatusOr<std::unique_ptr<EdgeAuthenticator>> Make(
      Options options, const Roles& roles = Roles::BuiltIn());

  // What a token says, and who that is here.
  struct Person {
    Claims claims;
    base::Caller caller;
  };

  // Returns who shows the token in an `authorization` header, `Bearer …`. Fails as `Authenticate`.
  absl::StatusOr<std::shared_ptr<const Person>> Identify(absl::string_view authorization,
                                                         absl::Time now);

  // The same as a caller alone. Looks at `authorization` alone.
  absl::StatusOr<base::Caller> Authenticate(const Credentials& credentials,
                                            absl::Time now) override;

 private:
  // A person, and the keys by which we know them.
  struct Known {
    Person person;
    std::shared_ptr<const KeySet> keys;
  };

  EdgeAuthenticator(const Options& options, const Roles& roles,
                    std::unique_ptr<WatchedFile<KeySet>> keys);

  const Roles& roles_;
  const JwtVerifier verifier_;
  const std::unique_ptr<WatchedFile<KeySet>> keys_;
  BoundedCache<std::shared_ptr<const Known>> cache_;
};

}  // namespace quartermaster::auth
