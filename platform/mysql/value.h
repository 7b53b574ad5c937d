#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace quartermaster::mysql {

// SQL NULL.
struct Null {
  friend bool operator==(Null, Null) { return true; }
};

// What fills one `?` of a statement: NULL, a whole number, text or bytes, or a time for a
// DATETIME(6) column (UTC, cut to whole microseconds).
using Value = std::variant<Null, int64_t, std::string, absl::Time>;

// A statement and what fills its question marks.
struct Statement {
  std::string sql;
  std::vector<Value> params = {};
};

// Renders a time as a DATETIME(6) literal without quotes: `2026-11-21 08:00:00.000001`.
// INVALID_ARGUMENT outside the years 1000 to 9999, which is all that MySQL can keep.
absl::StatusOr<std::string> FormatDateTime(absl::Time time);

// Reads what a DATETIME column of any precision holds, as UTC.
absl::StatusOr<absl::Time> ParseDateTime(absl::string_view text);

}  // namespace quartermaster::mysql
