#include "qmctl/io/display.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"
#include "platform/base/utf8.h"

namespace quartermaster::qmctl {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

// What Unicode calls East Asian Wide or Fullwidth, as far as terminals agree on it.
constexpr std::array kWide = {
    Range{0x1100, 0x115f},   Range{0x2e80, 0x303e},   Range{0x3041, 0x33ff},
    Range{0x3400, 0x4dbf},   Range{0x4e00, 0x9fff},   Range{0xa000, 0xa4cf},
    Range{0xa960, 0xa97f},   Range{0xac00, 0xd7a3},   Range{0xf900, 0xfaff},
    Range{0xfe10, 0xfe19},   Range{0xfe30, 0xfe6f},   Range{0xff00, 0xff60},
    Range{0xffe0, 0xffe6},   Range{0x1f300, 0x1f64f}, Range{0x1f900, 0x1f9ff},
    Range{0x20000, 0x3fffd},
};

// Marks that are drawn onto the character before them.
constexpr std::array kZeroWidth = {
    Range{0x0300, 0x036f}, Range{0x1ab0, 0x1aff}, Range{0x1dc0, 0x1dff}, Range{0x200b, 0x200f},
    Range{0x20d0, 0x20ff}, Range{0xfe00, 0xfe0f}, Range{0xfe20, 0xfe2f},
};

// Characters that change the order in which others are shown.
constexpr std::array kReordering = {
    Range{0x200e, 0x200f},
    Range{0x202a, 0x202e},
    Range{0x2066, 0x2069},
};

template <size_t N>
bool IsIn(const std::array<Range, N>& ranges, uint32_t point) {
  return std::ranges::any_of(
      ranges, [point](const Range& range) { return range.first <= point && point <= range.last; });
}

// One character of a text: its number and how many bytes it takes.
struct Character {
  uint32_t point = 0;
  size_t byte_count = 1;
  bool is_valid = false;
};

Character ReadCharacter(absl::string_view text) {
  absl::string_view rest = text;
  if (const std::optional<char32_t> point = base::TakeCodePoint(rest); point.has_value()) {
    return {.point = *point, .byte_count = text.size() - rest.size(), .is_valid = true};
  }
  return {.point = static_cast<uint8_t>(text.front())};
}

int WidthOf(const Character& character) {
  if (!character.is_valid) return 1;
  if (IsIn(kZeroWidth, character.point)) return 0;
  return IsIn(kWide, character.point) ? 2 : 1;
}

}  // namespace

int DisplayWidth(absl::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const Character character = ReadCharacter(text);
    width += WidthOf(character);
    text.remove_prefix(character.byte_count);
  }
  return width;
}

std::string EscapeControls(absl::string_view text) {
  std::string escaped;
  while (!text.empty()) {
    const Character character = ReadCharacter(text);
    const absl::string_view bytes = text.substr(0, character.byte_count);
    const bool is_control =
        character.point < 0x20 || (character.point >= 0x7f && character.point < 0xa0);
    if (!character.is_valid || is_control) {
      absl::StrAppend(&escaped, "\\x", absl::Hex(character.point, absl::kZeroPad2));
    } else if (IsIn(kReordering, character.point)) {
      absl::StrAppend(&escaped, "\\u", absl::Hex(character.point, absl::kZeroPad4));
    } else {
      absl::StrAppend(&escaped, bytes);
    }
    text.remove_prefix(character.byte_count);
  }
  return escaped;
}

std::string CutToWidth(absl::string_view text, int width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  std::string cut;
  int used = 0;
  while (!text.empty()) {
    const Character character = ReadCharacter(text);
    // One column is kept for the ellipsis.
    if (used + WidthOf(character) > width - 1) break;
    used += WidthOf(character);
    absl::StrAppend(&cut, text.substr(0, character.byte_count));
    text.remove_prefix(character.byte_count);
  }
  return absl::StrCat(cut, "…");
}

}  // namespace quartermaster::qmctl
