#include "platform/base/sha256.h"

#include <openssl/evp.h>

#include <memory>

#include "absl/strings/escaping.h"
#include "platform/base/check.h"

namespace quartermaster::base {
namespace {

struct DeleteContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

// With its own state kept, and the algorithm looked up once: OpenSSL's `SHA256` does both for every
// call, which takes longer than a short text's digest.
Sha256Digest Sha256(absl::string_view data) {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  thread_local const std::unique_ptr<EVP_MD_CTX, DeleteContext> context(EVP_MD_CTX_new());
  Sha256Digest digest;
  QM_CHECK(EVP_DigestInit_ex2(context.get(), algorithm, nullptr) == 1);
  QM_CHECK(EVP_DigestUpdate(context.get(), data.data(), data.size()) == 1);
  QM_CHECK(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
  return digest;
}

std::string ToHex(absl::string_view bytes) { return absl::BytesToHexString(bytes); }

}  // namespace quartermaster::base
