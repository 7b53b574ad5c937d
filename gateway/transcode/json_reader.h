#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace quartermaster::gateway {

// How deep objects and arrays may nest.
inline constexpr int kJsonDepthMax = 32;

// Reads the proto3 JSON form of a message into `message`, which must be empty and of a generated
// type. Field names are taken in both spellings, `baseUnit` and `base_unit`; integers as numbers or
// strings, exactly; enums by name or number; null means absent.
//
// Fails with INVALID_ARGUMENT and leaves `message` half-filled:
// - reason `MALFORMED_JSON`, metadata `line` and `column`, if the text is not JSON, is not UTF-8,
//   nests deeper than `kJsonDepthMax` or goes on after its end;
// - reason `INVALID_FIELD` if it does not fit the message: a field that is unknown (the nearest
//   known one is named), given twice, of the wrong type or out of range, or a second member of a
//   oneof. Up to twenty are listed, each with its path in proto names.
//
// Of the well-known types Timestamp, Duration and Any are known; a field of another one is refused.
absl::Status ReadJson(absl::string_view json, google::protobuf::Message& message);

}  // namespace quartermaster::gateway
