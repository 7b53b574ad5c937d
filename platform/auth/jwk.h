#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// OpenSSL's key, so that its headers stay out of ours.
struct evp_pkey_st;

namespace quartermaster::auth {

// How a token may be signed. A key has exactly one: which one follows from the key, never from the
// token (RFC 8725, section 3.1).
enum class Algorithm { kRs256, kEs256, kEdDsa };

// Renders the `alg` of RFC 7518 and RFC 8037: `RS256`, `ES256`, `EdDSA`.
absl::string_view RenderAlgorithm(Algorithm algorithm);
// Reads it, letter for letter; nothing for all others, `none` and the HS family among them.
std::optional<Algorithm> ParseAlgorithm(absl::string_view text);

// A public key that checks signatures. A cheap copy. Thread-safe.
class PublicKey {
 public:
  PublicKey(Algorithm algorithm, std::shared_ptr<evp_pkey_st> key)
      : algorithm_(algorithm), key_(std::move(key)) {}

  Algorithm algorithm() const { return algorithm_; }
  // Tells whether `signature`, in the form of a JWS (RFC 7515), is this key's over `message`.
  bool Verifies(absl::string_view message, absl::string_view signature) const;

 private:
  Algorithm algorithm_;
  std::shared_ptr<evp_pkey_st> key_;
};

// The public keys of an issuer, from a JWKS (RFC 7517). A plain value, thread-compatible.
class KeySet {
 public:
  static constexpr size_t kBytesMax = 65536;
  static constexpr size_t kKeysMax = 64;
  static constexpr size_t kKeyIdBytesMax = 128;

  // Reads a JWKS. Keys for encryption and of algorithms that we do not use (RS512, P-384 …) are
  // passed over. INVALID_ARGUMENT, naming the key, if one
  // - has no `kid` or that of another;
  // - is symmetric, or carries its private half: such a file must not be handed around;
  // - names an `alg` that is not of its family, `none` or HS* among them;
  // - is an RSA key of less than 2048 or more than 8192 bits, or a point that is not on its curve;
  // or if no usable key is left.
  static absl::StatusOr<KeySet> Parse(absl::string_view jwks);

  // Returns the key or null. The name is compared, and never a path, address or query.
  const PublicKey* Find(absl::string_view kid) const;

 private:
  absl::flat_hash_map<std::string, PublicKey> keys_;
};

// Renders the JWK of an Ed25519 public key of 32 bytes.
std::string RenderEd25519Jwk(absl::string_view kid, absl::string_view public_bytes);
// Returns the key's RFC 7638 thumbprint, a name that follows from the key itself.
std::string Ed25519Thumbprint(absl::string_view public_bytes);

}  // namespace quartermaster::auth
