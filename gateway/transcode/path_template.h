#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace quartermaster::gateway {

// A path of a `google.api.http` rule, taken apart: `/v1/{name=units/*}:move`. Of the grammar, what
// our API uses: literals, `*` for exactly one segment, variables over one or more segments, one
// verb.
// `**` is refused, so that no path can mean two things.
struct PathTemplate {
  struct Variable {
    // The field to bind, in proto names: `unit.name`.
    std::string field_path;
    // Segments [begin, end) of the path.
    size_t begin = 0;
    size_t end = 0;
  };

  // A literal, or `*`.
  std::vector<std::string> segments;
  std::vector<Variable> variables;
  // What follows the last colon; empty for none.
  std::string verb;

  // Fails with INVALID_ARGUMENT, saying what is wrong with the template.
  static absl::StatusOr<PathTemplate> Parse(absl::string_view text);
};

}  // namespace quartermaster::gateway
