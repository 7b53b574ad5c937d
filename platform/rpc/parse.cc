#include "platform/rpc/parse.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "platform/base/check.h"
#include "platform/base/utf8.h"

namespace quartermaster::rpc {
namespace {

constexpr size_t kQuotedBytesMax = 100;
constexpr size_t kResourceIdLengthMax = 63;

bool IsVariable(absl::string_view segment) { return !segment.empty() && segment.front() == '{'; }

// What no text that people write has in it: C0, DEL and C1, and what makes a line read in another
// order than it is written in (Unicode Technical Report 36, section 2.10), or not at all.
bool IsControl(char32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0) ||
         (code_point >= 0x202A && code_point <= 0x202E) ||
         (code_point >= 0x2066 && code_point <= 0x2069) || code_point == 0xFEFF;
}

std::string FormatTimestamp(absl::Time time) {
  return absl::FormatTime("%E4Y-%m-%dT%H:%M:%E*SZ", time, absl::UTCTimeZone());
}

}  // namespace

void FieldErrors::Add(absl::string_view field, absl::string_view description) {
  violations_.push_back({std::string(field), std::string(description)});
}

absl::Status FieldErrors::ToStatus() const {
  return is_empty() ? absl::OkStatus() : status::InvalidFields(violations_);
}

std::string FieldPath(absl::string_view parent, absl::string_view field) {
  return parent.empty() ? std::string(field) : absl::StrCat(parent, ".", field);
}

std::string ElementPath(absl::string_view list, int64_t index) {
  return absl::StrCat(list, "[", index, "]");
}

std::string Quoted(absl::string_view value) {
  std::string cut = base::CleanUtf8(value, kQuotedBytesMax);
  const bool is_cut = cut.size() < value.size();
  return absl::StrCat("\"", absl::Utf8SafeCHexEscape(cut), is_cut ? "…\"" : "\"");
}

bool IsResourceId(absl::string_view text) {
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_inner = [&](char c) { return is_lower(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= kResourceIdLengthMax && is_lower(text.front()) &&
         text.back() != '-' && std::ranges::all_of(text, is_inner);
}

std::string ParseResourceId(absl::string_view field, absl::string_view value, FieldErrors& errors) {
  if (IsResourceId(value)) return std::string(value);
  errors.Add(field, absl::StrCat(Quoted(value),
                                 " is not an id: 1 to 63 of a-z, 0-9 and -, beginning with a "
                                 "letter, not ending with -"));
  return "";
}

std::optional<std::vector<std::string>> MatchName(absl::string_view pattern,
                                                  absl::string_view name) {
  const std::vector<absl::string_view> wanted = absl::StrSplit(pattern, '/');
  const std::vector<absl::string_view> given = absl::StrSplit(name, '/');
  if (wanted.size() != given.size()) return std::nullopt;
  std::vector<std::string> ids;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (IsVariable(wanted[i])) {
      if (!IsResourceId(given[i])) return std::nullopt;
      ids.emplace_back(given[i]);
    } else if (wanted[i] != given[i]) {
      return std::nullopt;
    }
  }
  return ids;
}

std::vector<std::string> ParseName(absl::string_view field, absl::string_view pattern,
                                   absl::string_view name, FieldErrors& errors) {
  if (std::optional<std::vector<std::string>> ids = MatchName(pattern, name); ids.has_value()) {
    return *std::move(ids);
  }
  errors.Add(field, absl::StrCat(Quoted(name), " is not of the form ", pattern,
                                 ", with ids of a-z, 0-9 and -"));
  return std::vector<std::string>(std::ranges::count(pattern, '{'));
}

std::string ParseResourceName(absl::string_view field, absl::string_view pattern,
                              const std::string& value, FieldErrors& errors) {
  ParseName(field, pattern, value, errors);
  return value;
}

base::Uuid ParseUuidName(absl::string_view field, absl::string_view collection,
                         const std::string& value, FieldErrors& errors) {
  const std::string prefix = absl::StrCat(collection, "/");
  if (value.rfind(prefix, 0) == 0) {
    const std::optional<base::Uuid> id = base::Uuid::Parse(value.substr(prefix.size()));
    if (id.has_value()) return *id;
  }
  errors.Add(field, absl::StrCat(Quoted(value), " is not of the form ", prefix, "{uuid}"));
  return {};
}

std::string MakeName(absl::string_view pattern, const std::vector<std::string>& ids) {
  std::vector<std::string> segments = absl::StrSplit(pattern, '/');
  size_t next = 0;
  for (std::string& segment : segments) {
    if (!IsVariable(segment)) continue;
    QM_CHECK(next < ids.size());
    segment = ids[next++];
  }
  QM_CHECK(next == ids.size());
  return absl::StrJoin(segments, "/");
}

base::Uuid ParseUuid(absl::string_view field, absl::string_view value, FieldErrors& errors) {
  const std::optional<base::Uuid> uuid = base::Uuid::Parse(value);
  if (uuid.has_value() && !uuid->is_nil()) return *uuid;
  errors.Add(field, absl::StrCat(value.empty() ? "is required:" : Quoted(value) + " is not",
                                 " a UUID such as 018f3b5e-7a1c-7d2e-9b3f-2a6c1d4e5f60"));
  return {};
}

absl::Time ParseTimestamp(absl::string_view field, const google::protobuf::Timestamp& value,
                          const TimeBounds& bounds, FieldErrors& errors) {
  constexpr int64_t kSecondsMin = -62135596800;  // Year 1, where protobuf's times begin.
  constexpr int64_t kSecondsMax = 253402300799;  // The end of the year 9999.
  if (value.nanos() < 0 || value.nanos() > 999'999'999 || value.seconds() < kSecondsMin ||
      value.seconds() > kSecondsMax) {
    errors.Add(field, absl::StrCat("seconds ", value.seconds(), ", nanos ", value.nanos(),
                                   " is not a time of the years 1 to 9999"));
    return absl::UnixEpoch();
  }
  const absl::Time time =
      absl::FromUnixSeconds(value.seconds()) + absl::Microseconds(value.nanos() / 1000);
  if (time < bounds.min || time > bounds.max) {
    errors.Add(field,
               absl::StrCat(FormatTimestamp(time), " is not between ", FormatTimestamp(bounds.min),
                            " and ", FormatTimestamp(bounds.max)));
    return absl::UnixEpoch();
  }
  return time;
}

google::protobuf::Timestamp RenderTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  const int64_t seconds = absl::ToUnixSeconds(time);
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return timestamp;
}

std::string ParseOptionalDate(absl::string_view field, const std::string& value,
                              FieldErrors& errors) {
  absl::CivilDay day;
  const bool is_date = value.size() == 10 && absl::ParseCivilTime(value, &day) &&
                       absl::FormatCivilTime(day) == value && day.year() >= 1900 &&
                       day.year() <= 9998;
  if (!value.empty() && !is_date) {
    errors.Add(field, absl::StrCat(Quoted(value), " is not a date of the form YYYY-MM-DD"));
  }
  return value;
}

std::string ParseText(absl::string_view field, absl::string_view value, const TextRule& rule,
                      FieldErrors& errors) {
  int64_t length = 0;
  for (absl::string_view rest = value; !rest.empty(); ++length) {
    const std::optional<char32_t> code_point = base::TakeCodePoint(rest);
    if (!code_point.has_value()) {
      errors.Add(field, absl::StrCat("byte ", value.size() - rest.size(), " is not UTF-8"));
      return "";
    }
    const bool is_layout = *code_point == '\n' || *code_point == '\t';
    if (IsControl(*code_point) && !(rule.is_multiline && is_layout)) {
      errors.Add(field, absl::StrCat("character ", length + 1, " is a control character"));
      return "";
    }
  }
  if (length < rule.length_min || length > rule.length_max) {
    errors.Add(field, length == 0
                          ? "is required"
                          : absl::StrCat("has ", length, " characters; between ", rule.length_min,
                                         " and ", rule.length_max, " are allowed"));
    return "";
  }
  return std::string(value);
}

std::string KnownValues(const google::protobuf::EnumDescriptor& type) {
  std::vector<absl::string_view> names;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0) names.push_back(type.value(i)->name());
  }
  return absl::StrJoin(names, ", ");
}

int64_t ParseInt(absl::string_view field, int64_t value, int64_t min, int64_t max,
                 FieldErrors& errors) {
  if (value >= min && value <= max) return value;
  errors.Add(field, absl::StrCat(value, " is not between ", min, " and ", max));
  return min;
}

}  // namespace quartermaster::rpc
