#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/generated_enum_reflection.h>
#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/base/uuid.h"
#include "platform/status/error.h"

// What codecs read requests with. Each function takes the field's path and its value, returns the
// parsed value, and adds to `errors` if the format is broken; what it returns then is empty and
// must not be used. So a codec reads everything first and asks once:
//
//   rpc::FieldErrors errors;
//   DispatchCommand command;
//   command.request_id = rpc::ParseUuid("request_id", request.request_id(), errors);
//   command.note = rpc::ParseText("note", request.note(), {.length_max = 500}, errors);
//   QM_RETURN_IF_ERROR(errors.ToStatus());
namespace quartermaster::rpc {

// Collects every field of one request that breaks its format. Not thread-safe.
class FieldErrors {
 public:
  // `field` is the path from the request in proto names: `lines[2].lot`. `description` says what is
  // wrong, with the value, and what would be right.
  void Add(absl::string_view field, absl::string_view description);

  bool is_empty() const { return violations_.empty(); }
  const std::vector<status::FieldViolation>& violations() const { return violations_; }

  // Returns OK if nothing was added, otherwise one INVALID_ARGUMENT that lists everything.
  absl::Status ToStatus() const;

 private:
  std::vector<status::FieldViolation> violations_;
};

// Joins a path and a field of it: (`lines[2]`, `lot`) is `lines[2].lot`, (``, `lot`) is `lot`.
std::string FieldPath(absl::string_view parent, absl::string_view field);
// Renders the path of an element: (`lines`, 2) is `lines[2]`.
std::string ElementPath(absl::string_view list, int64_t index);

// Quotes a value for an error message: cut to 100 bytes, nothing unprintable.
std::string Quoted(absl::string_view value);

// Tells whether `text` is an id that callers may choose: `[a-z]([a-z0-9-]{0,61}[a-z0-9])?`.
bool IsResourceId(absl::string_view text);
std::string ParseResourceId(absl::string_view field, absl::string_view value, FieldErrors& errors);

// Takes a resource name apart by a pattern such as `units/{unit}/locations/{location}`; returns the
// ids in order of the pattern, nothing if `name` is not of that form.
std::optional<std::vector<std::string>> MatchName(absl::string_view pattern,
                                                  absl::string_view name);
// Returns as many ids as the pattern has, all empty if the format is broken.
std::vector<std::string> ParseName(absl::string_view field, absl::string_view pattern,
                                   absl::string_view name, FieldErrors& errors);
// Refuses what is not of the form of `pattern`; returns the name as it is.
std::string ParseResourceName(absl::string_view field, absl::string_view pattern,
                              const std::string& value, FieldErrors& errors);
// Reads a name of the form `{collection}/{uuid}`.
base::Uuid ParseUuidName(absl::string_view field, absl::string_view collection,
                         const std::string& value, FieldErrors& errors);
// Fills a pattern: (`units/{unit}`, {`east-bureau`}) is `units/east-bureau`.
std::string MakeName(absl::string_view pattern, const std::vector<std::string>& ids);

// The nil UUID is refused: it is what an unset field looks like in many a client.
base::Uuid ParseUuid(absl::string_view field, absl::string_view value, FieldErrors& errors);

struct TimeBounds {
  // Both included. The default is what every store here can keep.
  absl::Time min = absl::UnixEpoch();
  absl::Time max = absl::FromUnixSeconds(253402300799);  // The last second of the year 9999.
};
// Anything finer than a microsecond is cut off, for that is what the database keeps.
absl::Time ParseTimestamp(absl::string_view field, const google::protobuf::Timestamp& value,
                          const TimeBounds& bounds, FieldErrors& errors);
google::protobuf::Timestamp RenderTimestamp(absl::Time time);

// Reads a day from 1900 to 9998, `YYYY-MM-DD`, or nothing.
std::string ParseOptionalDate(absl::string_view field, const std::string& value,
                              FieldErrors& errors);

struct TextRule {
  // In code points, not bytes. A minimum of 1 makes the field required.
  int64_t length_min = 0;
  int64_t length_max = 200;
  // Line feeds and tabs may occur.
  bool is_multiline = false;
};
// Refuses what is not UTF-8 and control characters.
std::string ParseText(absl::string_view field, absl::string_view value, const TextRule& rule,
                      FieldErrors& errors);

int64_t ParseInt(absl::string_view field, int64_t value, int64_t min, int64_t max,
                 FieldErrors& errors);

// Tells what a value of `type` may be: `RECEIVE, CONSUME, …`; those that stand for nothing are left
// out.
std::string KnownValues(const google::protobuf::EnumDescriptor& type);

// Reads a value of an enum whose numbers the domain shares; 0, which stands for nothing, is
// refused.
template <typename Domain, typename Proto>
Domain ParseEnumValue(absl::string_view field, Proto value, FieldErrors& errors) {
  const auto& type = *google::protobuf::GetEnumDescriptor<Proto>();
  const int number = static_cast<int>(value);
  if (number == 0) {
    errors.Add(field, absl::StrCat("is required: one of ", KnownValues(type)));
  } else if (type.FindValueByNumber(number) == nullptr) {
    errors.Add(field, absl::StrCat(number, " is not known here: one of ", KnownValues(type)));
  }
  return static_cast<Domain>(value);
}
// The same, with a value for who leaves it unspecified.
template <typename Domain, typename Proto>
Domain ParseEnumValue(absl::string_view field, Proto value, Domain when_unspecified,
                      FieldErrors& errors) {
  if (static_cast<int>(value) == 0) return when_unspecified;
  return ParseEnumValue<Domain>(field, value, errors);
}

}  // namespace quartermaster::rpc
