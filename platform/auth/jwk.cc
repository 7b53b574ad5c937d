#include "platform/auth/jwk.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/auth/base64url.h"
#include "platform/auth/strict_json.h"
#include "platform/base/sha256.h"
#include "platform/base/status_macros.h"

namespace quartermaster::auth {
namespace {

using Json = nlohmann::json;
using KeyPointer = std::shared_ptr<EVP_PKEY>;

constexpr int kRsaBitsMin = 2048;
constexpr int kRsaBitsMax = 8192;
constexpr size_t kP256CoordinateBytes = 32;
constexpr size_t kEd25519Bytes = 32;

template <typename T, void (*free)(T*)>
struct Free {
  void operator()(T* object) const { free(object); }
};
using BigNumber = std::unique_ptr<BIGNUM, Free<BIGNUM, BN_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM, OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX, EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX, EVP_MD_CTX_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG, ECDSA_SIG_free>>;

const uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

BigNumber MakeBigNumber(absl::string_view bytes) {
  return BigNumber(BN_bin2bn(Bytes(bytes), static_cast<int>(bytes.size()), nullptr));
}

// Makes a public key of `type` from its parts; null if OpenSSL refuses them.
KeyPointer MakeKey(const char* type, OSSL_PARAM_BLD* parts) {
  const Params params(OSSL_PARAM_BLD_to_param(parts));
  const KeyContext maker(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* raw = nullptr;
  if (!params || !maker || EVP_PKEY_fromdata_init(maker.get()) != 1 ||
      EVP_PKEY_fromdata(maker.get(), &raw, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  KeyPointer key(raw, EVP_PKEY_free);
  const KeyContext checker(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (!checker || EVP_PKEY_public_check(checker.get()) != 1) return nullptr;
  return key;
}

absl::StatusOr<KeyPointer> ParseRsa(const Json& jwk) {
  const std::optional<std::string> modulus = DecodeBase64Url(FindString(jwk, "n"));
  const std::optional<std::string> exponent = DecodeBase64Url(FindString(jwk, "e"));
  if (!modulus.has_value() || !exponent.has_value() || modulus->empty() ||
      modulus->size() > kRsaBitsMax / 8) {
    return absl::InvalidArgumentError("n or e is missing, not base64url or too long");
  }
  const BigNumber n = MakeBigNumber(*modulus);
  const BigNumber e = MakeBigNumber(*exponent);
  if (BN_num_bits(n.get()) < kRsaBitsMin) {
    return absl::InvalidArgumentError(
        absl::StrCat("an RSA key needs at least ", kRsaBitsMin, " bits"));
  }
  if (!BN_is_odd(e.get()) || BN_is_one(e.get()) || BN_num_bits(e.get()) > 64) {
    return absl::InvalidArgumentError("e must be odd, more than 1, and at most 64 bits long");
  }
  const ParamBuilder parts(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  KeyPointer key = MakeKey("RSA", parts.get());
  if (!key) return absl::InvalidArgumentError("n and e are not an RSA key");
  return key;
}

absl::StatusOr<KeyPointer> ParseP256(const Json& jwk) {
  const std::optional<std::string> x = DecodeBase64Url(FindString(jwk, "x"));
  const std::optional<std::string> y = DecodeBase64Url(FindString(jwk, "y"));
  if (!x.has_value() || !y.has_value() || x->size() != kP256CoordinateBytes ||
      y->size() != kP256CoordinateBytes) {
    return absl::InvalidArgumentError("x and y must be 32 bytes each, in base64url");
  }
  const std::string point = absl::StrCat("\x04", *x, *y);
  const ParamBuilder parts(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(parts.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(parts.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  KeyPointer key = MakeKey("EC", parts.get());
  if (!key) return absl::InvalidArgumentError("x and y are not a point on P-256");
  return key;
}

absl::StatusOr<KeyPointer> ParseEd25519(const Json& jwk) {
  const std::optional<std::string> x = DecodeBase64Url(FindString(jwk, "x"));
  if (!x.has_value() || x->size() != kEd25519Bytes) {
    return absl::InvalidArgumentError("x must be 32 bytes, in base64url");
  }
  return KeyPointer(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(*x), x->size()),
                    EVP_PKEY_free);
}

// A key of a family that we know, with the one algorithm we use it for.
struct Family {
  Algorithm algorithm;
  absl::StatusOr<KeyPointer> (*parse)(const Json& jwk);
};

// Returns nothing for a key that we have no use for.
std::optional<Family> FindFamily(absl::string_view type, absl::string_view curve) {
  if (type == "RSA") return Family{Algorithm::kRs256, ParseRsa};
  if (type == "EC" && curve == "P-256") return Family{Algorithm::kEs256, ParseP256};
  if (type == "OKP" && curve == "Ed25519") return Family{Algorithm::kEdDsa, ParseEd25519};
  return std::nullopt;
}

// Tells whether `alg` signs with keys of the type `kty`, whether we use it or not.
bool BelongsToType(absl::string_view alg, absl::string_view type) {
  constexpr std::array<std::pair<absl::string_view, absl::string_view>, 10> kFamilies = {
      {{"RS256", "RSA"},
       {"RS384", "RSA"},
       {"RS512", "RSA"},
       {"PS256", "RSA"},
       {"PS384", "RSA"},
       {"PS512", "RSA"},
       {"ES256", "EC"},
       {"ES384", "EC"},
       {"ES512", "EC"},
       {"EdDSA", "OKP"}}};
  for (const auto& [name, family] : kFamilies) {
    if (name == alg) return family == type;
  }
  return false;
}

// Returns nothing for a key that is passed over.
absl::StatusOr<std::optional<PublicKey>> ParseJwk(const Json& jwk) {
  const absl::string_view type = FindString(jwk, "kty");
  if (type == "oct" || jwk.contains("k")) {
    return absl::InvalidArgumentError("symmetric keys are refused");
  }
  for (const char* secret : {"d", "p", "q", "dp", "dq", "qi", "oth"}) {
    if (jwk.contains(secret)) {
      return absl::InvalidArgumentError("carries its private half; publish the public one alone");
    }
  }
  if (jwk.contains("use") && FindString(jwk, "use") != "sig") return std::nullopt;
  if (jwk.contains("key_ops") && jwk["key_ops"] != Json::array({"verify"})) return std::nullopt;
  const absl::string_view alg = FindString(jwk, "alg");
  if (jwk.contains("alg") && !BelongsToType(alg, type)) {
    return absl::InvalidArgumentError("alg does not belong to the key's type");
  }
  const std::optional<Family> family = FindFamily(type, FindString(jwk, "crv"));
  if (!family.has_value()) return std::nullopt;
  if (jwk.contains("alg") && alg != RenderAlgorithm(family->algorithm)) {
    // ES256 on P-256 is all that curve can do; an RSA key may be meant for a scheme we do not use.
    if (type != "RSA") return absl::InvalidArgumentError("alg does not belong to the key's curve");
    return std::nullopt;
  }
  QM_ASSIGN_OR_RETURN(KeyPointer key, family->parse(jwk));
  if (!key) return absl::InvalidArgumentError("not a key");
  return PublicKey(family->algorithm, std::move(key));
}

// Rewrites r and s, as a JWS has them, into the DER that OpenSSL reads; empty if they cannot be.
std::string RenderDer(absl::string_view r_and_s) {
  if (r_and_s.size() != 2 * kP256CoordinateBytes) return "";
  const EcSignature signature(ECDSA_SIG_new());
  BigNumber r = MakeBigNumber(r_and_s.substr(0, kP256CoordinateBytes));
  BigNumber s = MakeBigNumber(r_and_s.substr(kP256CoordinateBytes));
  if (!signature || !r || !s) return "";
  if (ECDSA_SIG_set0(signature.get(), r.release(), s.release()) != 1) return "";
  uint8_t* raw = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &raw);
  if (size <= 0) return "";
  std::string der(reinterpret_cast<char*>(raw), static_cast<size_t>(size));
  OPENSSL_free(raw);
  return der;
}

}  // namespace

absl::string_view RenderAlgorithm(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kRs256:
      return "RS256";
    case Algorithm::kEs256:
      return "ES256";
    case Algorithm::kEdDsa:
      return "EdDSA";
  }
  return "";
}

std::optional<Algorithm> ParseAlgorithm(absl::string_view text) {
  for (Algorithm algorithm : {Algorithm::kRs256, Algorithm::kEs256, Algorithm::kEdDsa}) {
    if (text == RenderAlgorithm(algorithm)) return algorithm;
  }
  return std::nullopt;
}

bool PublicKey::Verifies(absl::string_view message, absl::string_view signature) const {
  const std::string der = algorithm_ == Algorithm::kEs256 ? RenderDer(signature) : "";
  if (algorithm_ == Algorithm::kEs256) signature = der;
  const EVP_MD* digest = algorithm_ == Algorithm::kEdDsa ? nullptr : EVP_sha256();
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* padding = nullptr;
  if (!context || EVP_DigestVerifyInit(context.get(), &padding, digest, nullptr, key_.get()) != 1) {
    return false;
  }
  if (algorithm_ == Algorithm::kRs256 &&
      EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PADDING) != 1) {
    return false;
  }
  return EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(message),
                          message.size()) == 1;
}

absl::StatusOr<KeySet> KeySet::Parse(absl::string_view jwks) {
  if (jwks.size() > kBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("JWKS is longer than ", kBytesMax, " bytes"));
  }
  QM_ASSIGN_OR_RETURN(const Json file, ParseStrictJson(jwks, /*depth_max=*/8));
  if (!file.is_object() || !file.contains("keys") || !file["keys"].is_array()) {
    return absl::InvalidArgumentError("a JWKS is an object with an array named keys");
  }
  if (file["keys"].size() > kKeysMax) {
    return absl::InvalidArgumentError(absl::StrCat("JWKS has more than ", kKeysMax, " keys"));
  }
  KeySet set;
  for (const Json& jwk : file["keys"]) {
    if (!jwk.is_object()) return absl::InvalidArgumentError("a key is not an object");
    const std::string kid(FindString(jwk, "kid"));
    absl::StatusOr<std::optional<PublicKey>> key = ParseJwk(jwk);
    if (!key.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("key ", kid, ": ", key.status().message()));
    }
    if (!key->has_value()) continue;
    if (kid.empty() || kid.size() > kKeyIdBytesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("a key's kid is missing or longer than ", kKeyIdBytesMax, " bytes"));
    }
    if (!set.keys_.emplace(kid, **std::move(key)).second) {
      return absl::InvalidArgumentError(absl::StrCat("two keys share the kid ", kid));
    }
  }
  if (set.keys_.empty()) return absl::InvalidArgumentError("JWKS has no usable key");
  return set;
}

const PublicKey* KeySet::Find(absl::string_view kid) const {
  const auto found = keys_.find(kid);
  return found == keys_.end() ? nullptr : &found->second;
}

std::string RenderEd25519Jwk(absl::string_view kid, absl::string_view public_bytes) {
  return Json{{"kty", "OKP"}, {"crv", "Ed25519"},        {"alg", "EdDSA"},
              {"use", "sig"}, {"kid", std::string(kid)}, {"x", EncodeBase64Url(public_bytes)}}
      .dump();
}

std::string Ed25519Thumbprint(absl::string_view public_bytes) {
  const base::Sha256Digest digest = base::Sha256(absl::StrCat(
      R"({"crv":"Ed25519","kty":"OKP","x":")", EncodeBase64Url(public_bytes), R"("})"));
  return EncodeBase64Url(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

}  // namespace quartermaster::auth
