#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace quartermaster::auth {

// Renders bytes in base64url without padding (RFC 7515).
std::string EncodeBase64Url(absl::string_view bytes);

// Reads exactly what `EncodeBase64Url` writes: no padding, no white space, no stray bits at the
// end, so that one value has one spelling.
std::optional<std::string> DecodeBase64Url(absl::string_view text);

}  // namespace quartermaster::auth
