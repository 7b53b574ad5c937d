#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "absl/strings/string_view.h"

namespace quartermaster::qmctl {

// Derives a UUID (version 8) from what a request says, its own `request_id` left out. Whoever sends
// the same content to the same method again sends the same id, so that repeating an import that was
// cut short does nothing twice.
std::string DeriveRequestId(absl::string_view method, const google::protobuf::Message& request);

}  // namespace quartermaster::qmctl
