#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace quartermaster::base {

using Sha256Digest = std::array<uint8_t, 32>;

// Hashes `data` with SHA-256 (FIPS 180-4).
Sha256Digest Sha256(absl::string_view data);

// Renders bytes in lower-case hexadecimal.
std::string ToHex(absl::string_view bytes);
inline std::string ToHex(const Sha256Digest& digest) {
  return ToHex(absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

}  // namespace quartermaster::base
