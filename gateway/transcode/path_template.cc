#include "gateway/transcode/path_template.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/base/status_macros.h"

namespace quartermaster::gateway {
namespace {

absl::Status Malformed(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("path template ", text, ": ", why));
}

bool IsLiteral(absl::string_view segment) {
  return !segment.empty() && std::ranges::all_of(segment, [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
}

}  // namespace

absl::StatusOr<PathTemplate> PathTemplate::Parse(absl::string_view text) {
  if (text.empty() || text[0] != '/') return Malformed(text, "must begin with a slash");
  PathTemplate parsed;
  absl::string_view rest = text.substr(1);

  const size_t brace = rest.rfind('}');
  const size_t colon = rest.rfind(':');
  if (colon != absl::string_view::npos && (brace == absl::string_view::npos || colon > brace)) {
    parsed.verb = std::string(rest.substr(colon + 1));
    if (!IsLiteral(parsed.verb)) return Malformed(text, "the verb must be a word");
    rest = rest.substr(0, colon);
  }

  const auto add_segments = [&](absl::string_view pattern) -> absl::Status {
    for (const absl::string_view segment : absl::StrSplit(pattern, '/')) {
      if (segment != "*" && !IsLiteral(segment)) {
        return Malformed(text, absl::StrCat("cannot use the segment \"", segment, "\""));
      }
      parsed.segments.emplace_back(segment);
    }
    return absl::OkStatus();
  };

  while (true) {
    if (!rest.empty() && rest[0] == '{') {
      const size_t close = rest.find('}');
      if (close == absl::string_view::npos) return Malformed(text, "a { is not closed");
      const absl::string_view variable = rest.substr(1, close - 1);
      rest = rest.substr(close + 1);
      const size_t equals = variable.find('=');
      const absl::string_view field_path = variable.substr(0, equals);
      if (field_path.empty()) return Malformed(text, "a variable has no name");
      const size_t begin = parsed.segments.size();
      QM_RETURN_IF_ERROR(
          add_segments(equals == absl::string_view::npos ? "*" : variable.substr(equals + 1)));
      parsed.variables.push_back({std::string(field_path), begin, parsed.segments.size()});
    } else {
      const size_t slash = rest.find('/');
      QM_RETURN_IF_ERROR(add_segments(rest.substr(0, slash)));
      rest = slash == absl::string_view::npos ? "" : rest.substr(slash);
    }
    if (rest.empty()) return parsed;
    if (rest[0] != '/') return Malformed(text, "a slash must follow a variable");
    rest = rest.substr(1);
  }
}

}  // namespace quartermaster::gateway
