#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace quartermaster::gateway {

// Messages that have a JSON form of their own.
enum class WellKnown { kNone, kTimestamp, kDuration, kAny, kUnsupported };

// Tells which form messages of the type have. The well-known types that our API does not use
// (wrappers, Struct, FieldMask) are `kUnsupported`, never taken for ordinary messages.
WellKnown WellKnownOf(const google::protobuf::Descriptor& type);

// Says what the string form of a `kTimestamp` or `kDuration` is, for an error's text.
absl::string_view TextFormOf(WellKnown kind);
// Reads that string form into a message of that kind and of a generated type.
absl::Status SetTextForm(WellKnown kind, absl::string_view text,
                         google::protobuf::Message& message);
// Renders it.
absl::StatusOr<std::string> RenderTextForm(WellKnown kind,
                                           const google::protobuf::Message& message);

// Finds the generated type that a `type_url` names, nullptr if this program has none.
const google::protobuf::Message* PrototypeOf(absl::string_view type_url);

// Reads `text` into a scalar field: sets a singular one, adds to a repeated one. Integers, floats,
// booleans, enum names and numbers, strings, bytes in base64. Fails with INVALID_ARGUMENT; the
// message ends a sentence that begins with the field's name.
absl::Status SetFromText(const google::protobuf::FieldDescriptor& field, absl::string_view text,
                         google::protobuf::Message& message);

}  // namespace quartermaster::gateway
