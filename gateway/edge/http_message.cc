#include "gateway/edge/http_message.h"

namespace quartermaster::gateway {

absl::string_view HttpRequest::Header(absl::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

bool HttpRequest::HasBody() const {
  const absl::string_view length = Header("content-length");
  return !Header("transfer-encoding").empty() || (!length.empty() && length != "0");
}

}  // namespace quartermaster::gateway
