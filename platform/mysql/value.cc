#include "platform/mysql/value.h"

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"

namespace quartermaster::mysql {

absl::StatusOr<std::string> FormatDateTime(absl::Time time) {
  const int64_t year = absl::ToCivilYear(time, absl::UTCTimeZone()).year();
  if (year < 1000 || year > 9999) {
    return absl::InvalidArgumentError(
        absl::StrCat("a DATETIME has years 1000 to 9999, not ", absl::FormatTime(time)));
  }
  return absl::FormatTime("%E4Y-%m-%d %H:%M:%E6S", time, absl::UTCTimeZone());
}

absl::StatusOr<absl::Time> ParseDateTime(absl::string_view text) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime("%Y-%m-%d %H:%M:%E*S", text, absl::UTCTimeZone(), &time, &error)) {
    return absl::InvalidArgumentError(absl::StrCat("not a DATETIME: ", text, ": ", error));
  }
  return time;
}

}  // namespace quartermaster::mysql
