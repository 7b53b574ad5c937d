#include "platform/auth/jwt.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "platform/auth/base64url.h"
#include "platform/auth/strict_json.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"

namespace quartermaster::auth {
namespace {

using Json = nlohmann::json;

constexpr size_t kSubjectBytesMax = 64;
constexpr size_t kHeaderBytesMax = 1024;
constexpr size_t kDepthMax = 8;
// The end of the year 9999: what lies beyond is no date that anybody meant.
constexpr int64_t kSecondsMax = 253402300799;
constexpr size_t kEd25519Bytes = 32;

absl::Status Refused(absl::string_view why) {
  return status::CredentialsInvalid(absl::StrCat("the token is refused: ", why));
}

// Reads a NumericDate. We take whole seconds only.
std::optional<absl::Time> FindTime(const Json& claims, const char* name) {
  const auto member = claims.find(name);
  if (member == claims.end() || !member->is_number_integer()) return std::nullopt;
  if (member->is_number_unsigned() && member->get<uint64_t>() > kSecondsMax) return std::nullopt;
  const int64_t seconds = member->get<int64_t>();
  if (seconds < 0) return std::nullopt;
  return absl::FromUnixSeconds(seconds);
}

bool IsFor(const Json& claims, absl::string_view audience) {
  const auto member = claims.find("aud");
  if (member == claims.end()) return false;
  if (member->is_string()) return member->get_ref<const std::string&>() == audience;
  return member->is_array() && std::ranges::any_of(*member, [&](const Json& entry) {
           return entry.is_string() && entry.get_ref<const std::string&>() == audience;
         });
}

// Decodes and parses one part of a token into an object.
absl::StatusOr<Json> ParsePart(absl::string_view part, absl::string_view what) {
  const std::optional<std::string> text = DecodeBase64Url(part);
  if (!text.has_value()) return Refused(absl::StrCat("its ", what, " is not base64url"));
  absl::StatusOr<Json> json = ParseStrictJson(*text, kDepthMax);
  if (!json.ok()) return Refused(absl::StrCat("its ", what, ": ", json.status().message()));
  if (!json->is_object()) return Refused(absl::StrCat("its ", what, " is not an object"));
  return json;
}

}  // namespace

bool IsSubject(absl::string_view text) {
  return !text.empty() && text.size() <= kSubjectBytesMax && std::ranges::all_of(text, [](char c) {
    return absl::ascii_isalnum(c) ||
           absl::string_view("-._~:|@+=").find(c) != absl::string_view::npos;
  });
}

absl::StatusOr<const PublicKey*> JwtVerifier::ReadHeader(absl::string_view header,
                                                         const KeySet& keys) const {
  if (header.size() > kHeaderBytesMax) return Refused("its header is too long");
  QM_ASSIGN_OR_RETURN(const Json json, ParsePart(header, "header"));
  // `crit` demands that we obey what we do not know; the others offer a key of the sender's choice.
  for (const char* name : {"crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c"}) {
    if (json.contains(name)) return Refused(absl::StrCat("its header has ", name));
  }
  std::string type = absl::AsciiStrToLower(FindString(json, "typ"));
  if (json.contains("typ") && type.empty()) return Refused("its typ is not one of ours");
  type = std::string(absl::StripPrefix(type, "application/"));
  if (std::ranges::find(options_.types, type) == options_.types.end()) {
    return Refused("its typ is not one of ours");
  }
  const std::optional<Algorithm> algorithm = ParseAlgorithm(FindString(json, "alg"));
  if (!algorithm.has_value()) return Refused("its alg is not RS256, ES256 or EdDSA");
  const absl::string_view kid = FindString(json, "kid");
  if (kid.empty()) return Refused("it names no key");
  const PublicKey* key = keys.Find(kid);
  if (key == nullptr) return Refused("nobody we trust has the key it names");
  if (key->algorithm() != *algorithm) return Refused("its alg is not that of the key it names");
  return key;
}

absl::StatusOr<Claims> JwtVerifier::ReadClaims(absl::string_view payload, absl::Time now) const {
  QM_ASSIGN_OR_RETURN(const Json json, ParsePart(payload, "payload"));
  const absl::string_view issuer = FindString(json, "iss");
  if (issuer == kDemoIssuer && !options_.allow_demo_issuer) {
    return Refused("it is a demo token, and this is not the demo");
  }
  if (issuer.empty() || issuer != options_.issuer) return Refused("it is from another issuer");
  if (!IsFor(json, options_.audience)) return Refused("it is for another audience");

  const std::optional<absl::Time> issued = FindTime(json, "iat");
  const std::optional<absl::Time> expires = FindTime(json, "exp");
  if (!issued.has_value() || !expires.has_value()) {
    return Refused("iat and exp must be whole seconds since 1970");
  }
  if (now >= *expires + options_.clock_skew) return Refused("it has expired");
  if (*issued > now + options_.clock_skew) return Refused("it was issued in the future");
  if (json.contains("nbf")) {
    const std::optional<absl::Time> begins = FindTime(json, "nbf");
    if (!begins.has_value()) return Refused("nbf must be whole seconds since 1970");
    if (*begins > now + options_.clock_skew) return Refused("it is not valid yet");
  }
  if (*expires <= *issued || *expires - *issued > options_.lifetime_max) {
    return Refused("it lives for longer than we allow, or not at all");
  }

  const absl::string_view subject = FindString(json, "sub");
  if (!IsSubject(subject)) return Refused("sub is missing, too long or has unusual characters");
  Claims claims{.subject = std::string(subject), .issue_time = *issued, .expire_time = *expires};
  if (json.contains("grants")) {
    absl::StatusOr<std::vector<RoleGrant>> grants = ParseRoleGrants(json["grants"]);
    if (!grants.ok()) return Refused(grants.status().message());
    claims.grants = *std::move(grants);
  }
  return claims;
}

absl::StatusOr<Claims> JwtVerifier::Verify(absl::string_view token, const KeySet& keys,
                                           absl::Time now) const {
  if (token.size() > options_.token_bytes_max) return Refused("it is too long");
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '.');
  if (parts.size() != 3) return Refused("it does not have three parts");
  QM_ASSIGN_OR_RETURN(const PublicKey* key, ReadHeader(parts[0], keys));
  const std::optional<std::string> signature = DecodeBase64Url(parts[2]);
  if (!signature.has_value()) return Refused("its signature is not base64url");
  // The payload is not even parsed before its signature was found good.
  if (!key->Verifies(token.substr(0, parts[0].size() + 1 + parts[1].size()), *signature)) {
    return Refused("its signature is wrong");
  }
  QM_ASSIGN_OR_RETURN(Claims claims, ReadClaims(parts[1], now));
  claims.token_digest = base::Sha256(token);
  return claims;
}

JwtSigner::JwtSigner(Options options, std::shared_ptr<EVP_PKEY> key, std::string public_bytes)
    : options_(std::move(options)),
      key_(std::move(key)),
      public_bytes_(std::move(public_bytes)),
      kid_(Ed25519Thumbprint(public_bytes_)) {}

std::string JwtSigner::GenerateKey() {
  const std::shared_ptr<EVP_PKEY> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"),
                                      EVP_PKEY_free);
  QM_CHECK(key != nullptr);
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> memory(BIO_new(BIO_s_secmem()), BIO_free_all);
  QM_CHECK(PEM_write_bio_PKCS8PrivateKey(memory.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                         nullptr) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

absl::StatusOr<JwtSigner> JwtSigner::FromPem(absl::string_view pem, Options options) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> memory(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free_all);
  // The callback keeps OpenSSL from asking the terminal for a password.
  std::shared_ptr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(
          memory.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr),
      EVP_PKEY_free);
  std::string public_bytes(kEd25519Bytes, '\0');
  size_t size = public_bytes.size();
  if (!key || EVP_PKEY_is_a(key.get(), "ED25519") != 1 ||
      EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<uint8_t*>(public_bytes.data()),
                                  &size) != 1) {
    return absl::InvalidArgumentError("not an Ed25519 private key in PEM");
  }
  return JwtSigner(std::move(options), std::move(key), std::move(public_bytes));
}

std::string JwtSigner::Sign(const Claims& claims) const {
  const Json header = {{"alg", "EdDSA"}, {"typ", options_.type}, {"kid", kid_}};
  const Json payload = {{"iss", options_.issuer},
                        {"aud", options_.audience},
                        {"sub", claims.subject},
                        {"iat", absl::ToUnixSeconds(claims.issue_time)},
                        {"nbf", absl::ToUnixSeconds(claims.issue_time)},
                        {"exp", absl::ToUnixSeconds(claims.expire_time)},
                        {"grants", RenderRoleGrants(claims.grants)}};
  std::string token =
      absl::StrCat(EncodeBase64Url(header.dump()), ".", EncodeBase64Url(payload.dump()));
  uint8_t signature[64];
  size_t size = sizeof(signature);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  QM_CHECK(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1);
  QM_CHECK(EVP_DigestSign(context.get(), signature, &size,
                          reinterpret_cast<const uint8_t*>(token.data()), token.size()) == 1);
  absl::StrAppend(&token, ".", EncodeBase64Url({reinterpret_cast<const char*>(signature), size}));
  return token;
}

std::string JwtSigner::RenderJwks() const {
  return absl::StrCat("{\"keys\":[", RenderEd25519Jwk(kid_, public_bytes_), "]}\n");
}

}  // namespace quartermaster::auth
