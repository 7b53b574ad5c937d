#include "platform/auth/test_tokens.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/auth/base64url.h"
#include "platform/base/check.h"

namespace quartermaster::auth {
namespace {

using Json = nlohmann::json;

std::string GetNumber(EVP_PKEY* key, const char* name, int bytes) {
  BIGNUM* number = nullptr;
  QM_CHECK(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  std::string text(static_cast<size_t>(bytes == 0 ? BN_num_bytes(number) : bytes), '\0');
  QM_CHECK(BN_bn2binpad(number, reinterpret_cast<uint8_t*>(text.data()),
                        static_cast<int>(text.size())) > 0);
  BN_free(number);
  return EncodeBase64Url(text);
}

// Rewrites OpenSSL's DER into the r and s of a JWS.
std::string RenderRAndS(const std::string& der) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(der.data());
  ECDSA_SIG* parsed = d2i_ECDSA_SIG(nullptr, &bytes, static_cast<long>(der.size()));
  QM_CHECK(parsed != nullptr);
  uint8_t both[64];
  BN_bn2binpad(ECDSA_SIG_get0_r(parsed), both, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(parsed), both + 32, 32);
  ECDSA_SIG_free(parsed);
  return std::string(reinterpret_cast<char*>(both), sizeof(both));
}

}  // namespace

TestKey::TestKey(Algorithm algorithm, EVP_PKEY* key)
    : algorithm_(algorithm), key_(key, EVP_PKEY_free) {
  QM_CHECK(key != nullptr);
}

TestKey TestKey::Rsa(unsigned bits) {
  return TestKey(Algorithm::kRs256, EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", size_t{bits}));
}
TestKey TestKey::P256() {
  return TestKey(Algorithm::kEs256, EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
}
TestKey TestKey::Ed25519() {
  return TestKey(Algorithm::kEdDsa, EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

Json TestKey::Jwk(absl::string_view kid, const Json& changes) const {
  Json jwk = {{"kid", std::string(kid)}, {"use", "sig"}};
  switch (algorithm_) {
    case Algorithm::kRs256:
      jwk["kty"] = "RSA";
      jwk["n"] = GetNumber(key_.get(), OSSL_PKEY_PARAM_RSA_N, 0);
      jwk["e"] = GetNumber(key_.get(), OSSL_PKEY_PARAM_RSA_E, 0);
      break;
    case Algorithm::kEs256:
      jwk["kty"] = "EC";
      jwk["crv"] = "P-256";
      jwk["x"] = GetNumber(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, 32);
      jwk["y"] = GetNumber(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, 32);
      break;
    case Algorithm::kEdDsa: {
      uint8_t bytes[32];
      size_t size = sizeof(bytes);
      QM_CHECK(EVP_PKEY_get_raw_public_key(key_.get(), bytes, &size) == 1);
      jwk["kty"] = "OKP";
      jwk["crv"] = "Ed25519";
      jwk["x"] = EncodeBase64Url({reinterpret_cast<char*>(bytes), size});
      break;
    }
  }
  if (changes.is_object()) jwk.merge_patch(changes);
  return jwk;
}

std::string TestKey::Sign(absl::string_view message) const {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const EVP_MD* digest = algorithm_ == Algorithm::kEdDsa ? nullptr : EVP_sha256();
  QM_CHECK(EVP_DigestSignInit(context, nullptr, digest, nullptr, key_.get()) == 1);
  std::string signature(1024, '\0');
  size_t size = signature.size();
  QM_CHECK(EVP_DigestSign(context, reinterpret_cast<uint8_t*>(signature.data()), &size,
                          reinterpret_cast<const uint8_t*>(message.data()), message.size()) == 1);
  EVP_MD_CTX_free(context);
  signature.resize(size);
  return algorithm_ == Algorithm::kEs256 ? RenderRAndS(signature) : signature;
}

std::string TestKey::PublicPem() const {
  BIO* memory = BIO_new(BIO_s_mem());
  QM_CHECK(PEM_write_bio_PUBKEY(memory, key_.get()) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free(memory);
  return pem;
}

const TestKey& TestRsa() {
  static const auto* const key = new TestKey(TestKey::Rsa(2048));
  return *key;
}
const TestKey& TestP256() {
  static const auto* const key = new TestKey(TestKey::P256());
  return *key;
}
const TestKey& TestEd25519() {
  static const auto* const key = new TestKey(TestKey::Ed25519());
  return *key;
}

std::string RenderJwks(const std::vector<Json>& jwks) { return Json{{"keys", jwks}}.dump(); }

std::string RenderUnsigned(absl::string_view header, absl::string_view payload) {
  return absl::StrCat(EncodeBase64Url(header), ".", EncodeBase64Url(payload));
}

std::string RenderToken(const Json& header, const Json& payload, const TestKey& key) {
  const std::string text = RenderUnsigned(header.dump(), payload.dump());
  return absl::StrCat(text, ".", EncodeBase64Url(key.Sign(text)));
}

}  // namespace quartermaster::auth
