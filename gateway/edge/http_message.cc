#include "gateway/edge/http_message.h"

namespace quartermaster::gateway {

absl::string_view HttpRequest::Header(absl::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace quartermaster::gateway
