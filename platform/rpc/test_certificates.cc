#include "platform/rpc/test_certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <fstream>

#include "platform/base/check.h"

namespace quartermaster::rpc {
namespace {

std::string Take(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

std::string ToPem(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  QM_CHECK(PEM_write_bio_X509(bio, certificate) == 1);
  return Take(bio);
}

std::string ToPem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  QM_CHECK(PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return Take(bio);
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  QM_CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* MakeCertificate(EVP_PKEY* key, const char* common_name) {
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  long serial = 0;
  QM_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial) - 1) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name), -1, -1, 0);
  return certificate;
}

}  // namespace

struct TestCa::Keys {
  EVP_PKEY* key;
  X509* certificate;
};

TestCa::TestCa() : keys_(new Keys{EVP_EC_gen("P-256"), nullptr}) {
  keys_->certificate = MakeCertificate(keys_->key, "test authority");
  X509* certificate = keys_->certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  AddExtension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(certificate, certificate, NID_key_usage, "critical,keyCertSign");
  QM_CHECK(X509_sign(certificate, keys_->key, EVP_sha256()) > 0);
  certificate_pem_ = ToPem(certificate);
}

TestCa::~TestCa() {
  X509_free(keys_->certificate);
  EVP_PKEY_free(keys_->key);
  delete keys_;
}

TestCa::Pair TestCa::Sign(const std::string& spiffe_id) const {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = MakeCertificate(key, "test");
  X509_set_issuer_name(certificate, X509_get_subject_name(keys_->certificate));
  AddExtension(certificate, keys_->certificate, NID_subject_alt_name,
               "DNS:localhost,IP:127.0.0.1,URI:" + spiffe_id);
  QM_CHECK(X509_sign(certificate, keys_->key, EVP_sha256()) > 0);
  const Pair pair = {.certificate = ToPem(certificate), .key = ToPem(key)};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return pair;
}

void WriteFile(const std::string& path, const std::string& content) {
  const std::string draft = path + ".new";
  std::ofstream(draft, std::ios::trunc | std::ios::binary) << content;
  QM_CHECK(std::rename(draft.c_str(), path.c_str()) == 0);
}

}  // namespace quartermaster::rpc
