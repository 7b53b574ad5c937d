#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "platform/auth/jwk.h"

namespace quartermaster::auth {

// A private key of a test's issuer, honest or not. Made by OpenSSL directly, so that what verifies
// is not tested against what signs. Thread-safe.
class TestKey {
 public:
  static TestKey Rsa(unsigned bits);
  static TestKey P256();
  static TestKey Ed25519();

  // The public half as a JWK, members of `changes` put in place or, where null, taken out.
  nlohmann::json Jwk(absl::string_view kid, const nlohmann::json& changes = {}) const;
  // Signs as a JWS does: RS256, ES256 or EdDSA.
  std::string Sign(absl::string_view message) const;
  // The public half in PEM: what an attacker uses as the secret of an HMAC.
  std::string PublicPem() const;

 private:
  TestKey(Algorithm algorithm, evp_pkey_st* key);

  Algorithm algorithm_;
  std::shared_ptr<evp_pkey_st> key_;
};

// Keys made once per process: RSA keys are slow to make.
const TestKey& TestRsa();
const TestKey& TestP256();
const TestKey& TestEd25519();

// A JWKS of these keys.
std::string RenderJwks(const std::vector<nlohmann::json>& jwks);
// `{header}.{payload}` in base64url, letter for letter.
std::string RenderUnsigned(absl::string_view header, absl::string_view payload);
// A token signed with `key`, whatever its header says.
std::string RenderToken(const nlohmann::json& header, const nlohmann::json& payload,
                        const TestKey& key);

}  // namespace quartermaster::auth
