#include "platform/auth/base64url.h"

#include "absl/strings/escaping.h"

namespace quartermaster::auth {

std::string EncodeBase64Url(absl::string_view bytes) { return absl::WebSafeBase64Escape(bytes); }

std::optional<std::string> DecodeBase64Url(absl::string_view text) {
  std::string bytes;
  // Abseil is lenient: it takes padding, white space and stray bits. Only the one canonical
  // spelling survives being written again.
  if (!absl::WebSafeBase64Unescape(text, &bytes) || EncodeBase64Url(bytes) != text) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace quartermaster::auth
