#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace quartermaster::base {

// Takes the first code point off `text`. Returns nothing, and takes nothing, if the bytes there are
// not well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF) or if `text`
// is empty.
std::optional<char32_t> TakeCodePoint(absl::string_view& text);

// Returns the number of code points; nothing if `text` is not well-formed UTF-8.
std::optional<int64_t> CountCodePoints(absl::string_view text);

// Returns `text` with every byte that is not part of well-formed UTF-8 replaced by U+FFFD, and cut
// between code points so that it has at most `bytes_max` bytes.
std::string CleanUtf8(absl::string_view text, size_t bytes_max);

}  // namespace quartermaster::base
