#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/auth/grants.h"
#include "platform/auth/jwk.h"
#include "platform/base/sha256.h"

namespace quartermaster::auth {

// Issuer of the demo's tokens. Nobody outside the demo profile believes it.
inline constexpr char kDemoIssuer[] = "quartermaster-demo";

// What a token says of a person, once its signature was found good. A plain value.
struct Claims {
  // Letters, digits and `-._~:|@+=`, at most 64 bytes: it becomes part of a resource name.
  std::string subject;
  // In whole seconds.
  absl::Time issue_time;
  absl::Time expire_time;
  // Roles unknown to this program are kept: what they permit is for the reader to know.
  std::vector<RoleGrant> grants;
  // SHA-256 of the token that said so.
  base::Sha256Digest token_digest = {};
};

// Tells whether `text` may be a subject.
bool IsSubject(absl::string_view text);

// Checks JSON Web Tokens (RFC 7519) by the rules of RFC 8725. Thread-safe.
class JwtVerifier {
 public:
  struct Options {
    // Compared byte for byte.
    std::string issuer;
    // The token's `aud` must be it or contain it.
    std::string audience;
    // `typ` values that are taken, in lower case; an empty one lets it be absent.
    std::vector<std::string> types = {"jwt", "at+jwt", ""};
    // How far the issuer's clock may be from ours, either way.
    absl::Duration clock_skew = absl::Seconds(60);
    // The longest time from `iat` to `exp`.
    absl::Duration lifetime_max = absl::Hours(24);
    size_t token_bytes_max = 8192;
    // Whether tokens of `kDemoIssuer` count at all.
    bool allow_demo_issuer = false;
  };

  explicit JwtVerifier(Options options) : options_(std::move(options)) {}

  // Returns what `token` says if one of `keys` signed it with that key's own algorithm and it is
  // valid at `now`. Fails with UNAUTHENTICATED, `CREDENTIALS_INVALID`; the text says which rule was
  // broken and never repeats any part of the token.
  absl::StatusOr<Claims> Verify(absl::string_view token, const KeySet& keys, absl::Time now) const;

  // Until when what was verified may be believed without being looked at again.
  absl::Time BelievableUntil(const Claims& claims) const {
    return claims.expire_time + options_.clock_skew;
  }

 private:
  // Returns the key that the header asks for.
  absl::StatusOr<const PublicKey*> ReadHeader(absl::string_view header, const KeySet& keys) const;
  absl::StatusOr<Claims> ReadClaims(absl::string_view payload, absl::Time now) const;

  const Options options_;
};

// Signs tokens with an Ed25519 key. Thread-safe.
class JwtSigner {
 public:
  // Who speaks to whom, in every token of this signer.
  struct Options {
    std::string issuer;
    std::string audience;
    std::string type = "JWT";
  };

  // Makes a new private key, as PKCS #8 in PEM.
  static std::string GenerateKey();
  // Reads such a key. INVALID_ARGUMENT if it is not an Ed25519 private key; the text does not
  // repeat it.
  static absl::StatusOr<JwtSigner> FromPem(absl::string_view pem, Options options);

  // Returns a token that says `claims`, times cut to whole seconds.
  std::string Sign(const Claims& claims) const;
  // Returns the JWKS with the public key alone. Its `kid` is its thumbprint.
  std::string RenderJwks() const;

 private:
  JwtSigner(Options options, std::shared_ptr<evp_pkey_st> key, std::string public_bytes);

  Options options_;
  std::shared_ptr<evp_pkey_st> key_;
  std::string public_bytes_;
  std::string kid_;
};

}  // namespace quartermaster::auth
