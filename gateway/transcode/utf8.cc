#include "gateway/transcode/utf8.h"

#include <cstring>

namespace quartermaster::gateway {
namespace {

// Returns how many bytes the character at `p` has; 0 if it is malformed or cut off.
size_t CharacterSize(const uint8_t* p, const uint8_t* end) {
  const auto continues = [&](size_t i) { return p + i < end && (p[i] & 0xC0) == 0x80; };
  if (p[0] < 0x80) return 1;
  if (p[0] < 0xC2) return 0;
  if (p[0] < 0xE0) return continues(1) ? 2 : 0;
  if (p[0] < 0xF0) {
    if (!continues(1) || !continues(2)) return 0;
    if (p[0] == 0xE0 && p[1] < 0xA0) return 0;
    if (p[0] == 0xED && p[1] > 0x9F) return 0;
    return 3;
  }
  if (p[0] > 0xF4 || !continues(1) || !continues(2) || !continues(3)) return 0;
  if (p[0] == 0xF0 && p[1] < 0x90) return 0;
  if (p[0] == 0xF4 && p[1] > 0x8F) return 0;
  return 4;
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  const auto* p = reinterpret_cast<const uint8_t*>(text.data());
  const uint8_t* end = p + text.size();
  while (p < end) {
    uint64_t eight;
    if (end - p >= 8) {
      std::memcpy(&eight, p, sizeof eight);
      if ((eight & 0x8080808080808080u) == 0) {
        p += 8;
        continue;
      }
    }
    const size_t size = CharacterSize(p, end);
    if (size == 0) return false;
    p += size;
  }
  return true;
}

void AppendUtf8(uint32_t code_point, std::string& text) {
  const auto push = [&](uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    push(code_point);
  } else if (code_point < 0x800) {
    push(0xC0 | code_point >> 6);
    push(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    push(0xE0 | code_point >> 12);
    push(0x80 | (code_point >> 6 & 0x3F));
    push(0x80 | (code_point & 0x3F));
  } else {
    push(0xF0 | code_point >> 18);
    push(0x80 | (code_point >> 12 & 0x3F));
    push(0x80 | (code_point >> 6 & 0x3F));
    push(0x80 | (code_point & 0x3F));
  }
}

}  // namespace quartermaster::gateway
