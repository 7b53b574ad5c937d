#pragma once

#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "platform/base/utf8.h"

namespace quartermaster::gateway {

// Tells whether `text` is well-formed UTF-8. Most of what we see is ASCII, which is looked at eight
// bytes at a time.
inline bool IsUtf8(absl::string_view text) {
  while (text.size() >= sizeof(uint64_t)) {
    uint64_t eight;
    std::memcpy(&eight, text.data(), sizeof eight);
    if ((eight & 0x8080808080808080u) != 0) break;
    text.remove_prefix(sizeof eight);
  }
  return base::CountCodePoints(text).has_value();
}

}  // namespace quartermaster::gateway
