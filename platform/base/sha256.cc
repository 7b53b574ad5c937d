#include "platform/base/sha256.h"

#include <openssl/sha.h>

#include "absl/strings/escaping.h"

namespace quartermaster::base {

Sha256Digest Sha256(absl::string_view data) {
  Sha256Digest digest;
  SHA256(reinterpret_cast<const uint8_t*>(data.data()), data.size(), digest.data());
  return digest;
}

std::string ToHex(absl::string_view bytes) { return absl::BytesToHexString(bytes); }

}  // namespace quartermaster::base
