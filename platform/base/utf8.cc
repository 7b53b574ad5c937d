#include "platform/base/utf8.h"

namespace quartermaster::base {
namespace {

constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";

}  // namespace

std::optional<char32_t> TakeCodePoint(absl::string_view& text) {
  if (text.empty()) return std::nullopt;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) {
    text.remove_prefix(1);
    return first;
  }
  size_t size;
  char32_t smallest;
  char32_t code_point;
  if ((first & 0xE0) == 0xC0) {
    size = 2;
    smallest = 0x80;
    code_point = first & 0x1F;
  } else if ((first & 0xF0) == 0xE0) {
    size = 3;
    smallest = 0x800;
    code_point = first & 0x0F;
  } else if ((first & 0xF8) == 0xF0) {
    size = 4;
    smallest = 0x10000;
    code_point = first & 0x07;
  } else {
    return std::nullopt;
  }
  if (text.size() < size) return std::nullopt;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return std::nullopt;
    code_point = (code_point << 6) | (byte(i) & 0x3F);
  }
  const bool is_surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < smallest || code_point > 0x10FFFF || is_surrogate) return std::nullopt;
  text.remove_prefix(size);
  return code_point;
}

std::optional<int64_t> CountCodePoints(absl::string_view text) {
  int64_t count = 0;
  while (!text.empty()) {
    if (!TakeCodePoint(text).has_value()) return std::nullopt;
    ++count;
  }
  return count;
}

std::string CleanUtf8(absl::string_view text, size_t bytes_max) {
  std::string clean;
  while (!text.empty()) {
    const absl::string_view before = text;
    absl::string_view piece = kReplacement;
    if (TakeCodePoint(text).has_value()) {
      piece = before.substr(0, before.size() - text.size());
    } else {
      text.remove_prefix(1);
    }
    if (clean.size() + piece.size() > bytes_max) break;
    clean.append(piece.data(), piece.size());
  }
  return clean;
}

}  // namespace quartermaster::base
