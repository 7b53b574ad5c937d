#include "tools/demo_issuer/demo_pki.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "tools/demo_issuer/private_file.h"

namespace quartermaster::demo {
namespace {

template <typename T, auto free>
struct Free {
  void operator()(T* object) const { free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509, X509_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO, BIO_free_all>>;
using BigNumber = std::unique_ptr<BIGNUM, Free<BIGNUM, BN_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION, X509_EXTENSION_free>>;

// Clocks of the machines that check may be a little behind ours.
constexpr absl::Duration kBackdate = absl::Minutes(5);

// A certificate to make: its file's stem, names and uses, as OpenSSL writes extensions.
struct Profile {
  absl::string_view stem;
  absl::string_view common_name;
  absl::Duration lifetime;
  absl::Duration renewal;
  std::vector<std::pair<int, absl::string_view>> extensions;
};

const Profile& AuthorityProfile() {
  static const auto* const profile =
      new Profile{"ca",
                  "Quartermaster DEMO authority",
                  kAuthorityLifetime,
                  kAuthorityRenewal,
                  {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                   {NID_key_usage, "critical,keyCertSign,cRLSign"},
                   {NID_subject_key_identifier, "hash"}}};
  return *profile;
}

Profile MakeLeafProfile(absl::string_view stem, absl::string_view uses, absl::string_view names) {
  return {stem,
          stem,
          kCertificateLifetime,
          kCertificateRenewal,
          {{NID_basic_constraints, "critical,CA:FALSE"},
           {NID_key_usage, "critical,digitalSignature"},
           {NID_ext_key_usage, uses},
           {NID_subject_alt_name, names},
           {NID_subject_key_identifier, "hash"},
           {NID_authority_key_identifier, "keyid"}}};
}

std::string TakeText(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return std::string(data, static_cast<size_t>(size));
}

// Reads the key at `path`, made first if there is none.
absl::StatusOr<Key> OpenKey(const std::string& path) {
  if (!Exists(path)) {
    const Key made(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    const Bio memory(BIO_new(BIO_s_mem()));
    QM_CHECK(made && memory &&
             PEM_write_bio_PKCS8PrivateKey(memory.get(), made.get(), nullptr, nullptr, 0, nullptr,
                                           nullptr) == 1);
    QM_RETURN_IF_ERROR(WriteNewFile(path, TakeText(memory.get())));
  }
  QM_ASSIGN_OR_RETURN(const std::string pem, ReadFile(path));
  const Bio memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Key key(PEM_read_bio_PrivateKey(
      memory.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr));
  if (!key) return absl::FailedPreconditionError(absl::StrCat(path, " is not a private key"));
  return key;
}

// Returns the certificate at `path`; null if there is none that can be read.
Certificate FindCertificate(const std::string& path) {
  const absl::StatusOr<std::string> pem = ReadFile(path);
  if (!pem.ok()) return nullptr;
  const Bio memory(BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())));
  return Certificate(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
}

// Tells whether it is of this key, signed by that of the authority, and not near its end.
bool IsStillGood(X509* certificate, EVP_PKEY* key, EVP_PKEY* authority_key, absl::Time renew_from) {
  time_t renewal = absl::ToTimeT(renew_from);
  return certificate != nullptr && X509_check_private_key(certificate, key) == 1 &&
         X509_verify(certificate, authority_key) == 1 &&
         X509_cmp_time(X509_get0_notAfter(certificate), &renewal) > 0;
}

void SetSerial(X509* certificate) {
  std::array<uint8_t, 16> bytes;
  QM_CHECK(RAND_bytes(bytes.data(), bytes.size()) == 1);
  bytes[0] = static_cast<uint8_t>((bytes[0] & 0x7f) | 0x40);  // Positive and of full length.
  const BigNumber number(BN_bin2bn(bytes.data(), bytes.size(), nullptr));
  QM_CHECK(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

void SetSubject(X509* certificate, absl::string_view common_name) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto add = [name](const char* field, absl::string_view value) {
    QM_CHECK(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                        reinterpret_cast<const uint8_t*>(value.data()),
                                        static_cast<int>(value.size()), -1, 0) == 1);
  };
  add("O", "Quartermaster DEMO");
  add("CN", common_name);
}

// Makes a certificate of `key`. The authority signs itself when `authority` is null.
Certificate MakeCertificate(const Profile& profile, EVP_PKEY* key, X509* authority,
                            EVP_PKEY* authority_key, absl::Time now) {
  Certificate certificate(X509_new());
  X509* const made = certificate.get();
  QM_CHECK(X509_set_version(made, X509_VERSION_3) == 1);
  SetSerial(made);
  SetSubject(made, profile.common_name);
  X509* const issuer = authority == nullptr ? made : authority;
  QM_CHECK(X509_set_issuer_name(made, X509_get_subject_name(issuer)) == 1);
  ASN1_TIME_set(X509_getm_notBefore(made), absl::ToTimeT(now - kBackdate));
  ASN1_TIME_set(X509_getm_notAfter(made), absl::ToTimeT(now + profile.lifetime));
  QM_CHECK(X509_set_pubkey(made, key) == 1);
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, made, nullptr, nullptr, 0);
  for (const auto& [kind, value] : profile.extensions) {
    const Extension extension(
        X509V3_EXT_conf_nid(nullptr, &context, kind, std::string(value).c_str()));
    QM_CHECK(extension && X509_add_ext(made, extension.get(), -1) == 1);
  }
  QM_CHECK(X509_sign(made, authority_key, EVP_sha256()) > 0);
  return certificate;
}

// Returns the certificate in `folder`, made or renewed where it must be.
absl::StatusOr<Certificate> OpenCertificate(const std::string& folder, const Profile& profile,
                                            EVP_PKEY* key, X509* authority, EVP_PKEY* authority_key,
                                            absl::Time now) {
  const std::string path = absl::StrCat(folder, "/", profile.stem, ".pem");
  Certificate certificate = FindCertificate(path);
  if (IsStillGood(certificate.get(), key, authority_key, now + profile.renewal)) {
    return certificate;
  }
  certificate = MakeCertificate(profile, key, authority, authority_key, now);
  const Bio memory(BIO_new(BIO_s_mem()));
  QM_CHECK(PEM_write_bio_X509(memory.get(), certificate.get()) == 1);
  QM_RETURN_IF_ERROR(ReplaceFile(path, TakeText(memory.get())));
  return certificate;
}

constexpr char kSystems[] = R"({
  "spiffe://quartermaster/systems/province-demo": {
    "name": "systems/province-demo",
    "grants": [{"role": "integrator", "unit": "units/jiangcheng"}]
  }
}
)";

}  // namespace

absl::Status MakePki(const std::string& folder, absl::Time now) {
  QM_RETURN_IF_ERROR(MakePrivateFolder(folder));
  QM_ASSIGN_OR_RETURN(const Key authority_key, OpenKey(folder + "/ca-key.pem"));
  QM_ASSIGN_OR_RETURN(const Certificate authority,
                      OpenCertificate(folder, AuthorityProfile(), authority_key.get(), nullptr,
                                      authority_key.get(), now));
  const Profile leaves[] = {
      MakeLeafProfile("gateway", "serverAuth,clientAuth",
                      "URI:spiffe://quartermaster/gateway,DNS:localhost,IP:127.0.0.1,IP:::1"),
      MakeLeafProfile("inventory", "serverAuth,clientAuth",
                      "URI:spiffe://quartermaster/inventory,DNS:localhost,IP:127.0.0.1,IP:::1"),
      // It only ever calls.
      MakeLeafProfile("province-demo", "clientAuth",
                      "URI:spiffe://quartermaster/systems/province-demo"),
  };
  for (const Profile& leaf : leaves) {
    QM_ASSIGN_OR_RETURN(const Key key, OpenKey(absl::StrCat(folder, "/", leaf.stem, "-key.pem")));
    QM_RETURN_IF_ERROR(
        OpenCertificate(folder, leaf, key.get(), authority.get(), authority_key.get(), now)
            .status());
  }
  const std::string systems = folder + "/systems.json";
  return Exists(systems) ? absl::OkStatus() : WriteNewFile(systems, kSystems);
}

}  // namespace quartermaster::demo
