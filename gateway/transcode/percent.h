#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace quartermaster::gateway {

// Undoes percent-encoding, once: `%2541` becomes `%41`, never `A`. `+` stays a plus unless
// `plus_is_space` (the form encoding of query strings). Returns nothing for a `%` without two
// hexadecimal digits after it, and for text that is not UTF-8 or holds a control character when
// decoded: no field of ours has a use for either, and both are how filters are walked around.
std::optional<std::string> PercentDecode(absl::string_view text, bool plus_is_space = false);

}  // namespace quartermaster::gateway
