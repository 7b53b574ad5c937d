#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace quartermaster::gateway {

// Tells whether `text` is well-formed UTF-8: no overlong form, no surrogate, nothing past U+10FFFF.
bool IsUtf8(absl::string_view text);

// Appends a code point, which must be at most U+10FFFF and no surrogate.
void AppendUtf8(uint32_t code_point, std::string& text);

}  // namespace quartermaster::gateway
