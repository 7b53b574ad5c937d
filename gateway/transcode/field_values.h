#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace quartermaster::gateway {

// The proto3 JSON forms of single values, as they appear in JSON and in query parameters.
//
// The parsers fail with INVALID_ARGUMENT; the message says what is wrong with the value and ends a
// sentence that begins with the field's name. They never go through a floating-point number.

// Reads a JSON number that is whole, exactly: `12`, `1.20e1`. What is not whole or outside
// [min, max] is refused.
absl::StatusOr<int64_t> ParseInteger(absl::string_view number, int64_t min, int64_t max);
absl::StatusOr<uint64_t> ParseUnsigned(absl::string_view number, uint64_t max);
// Reads a JSON number, or `NaN`, `Infinity`, `-Infinity`. Too large a number is refused.
absl::StatusOr<double> ParseDouble(absl::string_view number);
absl::StatusOr<float> ParseFloat(absl::string_view number);

// Reads an enum value's name; the error names the nearest one.
absl::StatusOr<int> ParseEnum(absl::string_view name, const google::protobuf::EnumDescriptor& type);

// Reads standard or URL-safe base64, with or without padding.
absl::StatusOr<std::string> ParseBase64(absl::string_view text);

// Reads RFC 3339 with at most nine digits of a second, years 1 to 9999:
// `2026-02-03T08:00:00.5+08:00`.
absl::StatusOr<google::protobuf::Timestamp> ParseTimestamp(absl::string_view text);
// Renders in UTC with 0, 3, 6 or 9 digits. Fails with INTERNAL outside years 1 to 9999.
absl::StatusOr<std::string> RenderTimestamp(const google::protobuf::Timestamp& timestamp);

// Reads seconds with at most nine digits after the point: `-1.5s`.
absl::StatusOr<google::protobuf::Duration> ParseDuration(absl::string_view text);
// Fails with INTERNAL for a duration that is out of range or whose parts differ in sign.
absl::StatusOr<std::string> RenderDuration(const google::protobuf::Duration& duration);

// Tells whether `text` is a number in the grammar of JSON.
bool IsJsonNumber(absl::string_view text);

}  // namespace quartermaster::gateway
