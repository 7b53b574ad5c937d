#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace quartermaster::gateway {

// Appends the proto3 JSON form of a message of a generated type: names in lower camel case, zero
// values and empty lists written out, 64-bit integers as strings, enums by name (by number when the
// value is unknown), map entries by key. An `Any` of a type that this program does not have keeps
// its bytes, in base64, as `value`.
//
// Fails with INTERNAL if a value has no JSON form: a time out of range, text that is not UTF-8.
// `json` is then cut off.
absl::Status WriteJson(const google::protobuf::Message& message, std::string& json);

// Appends `text` as a JSON string, with its quotes. What would end a `<script>` is escaped too.
void AppendJsonString(absl::string_view text, std::string& json);

}  // namespace quartermaster::gateway
