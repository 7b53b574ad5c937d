#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace quartermaster::auth {

// Parses JSON in which nothing can be read in two ways: a member that is named twice in one object,
// more than `depth_max` nested arrays and objects, text that is not UTF-8 or anything after the
// value is INVALID_ARGUMENT. The error never repeats the text.
absl::StatusOr<nlohmann::json> ParseStrictJson(absl::string_view text, size_t depth_max);

// Returns the string member `name` of `object`, or an empty view if it is absent or not a string.
absl::string_view FindString(const nlohmann::json& object, const char* name);

}  // namespace quartermaster::auth
