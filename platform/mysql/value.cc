#include "platform/mysql/value.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"

// Times are written and read a dozen times for every posting; `absl::FormatTime` and `ParseTime`
// read their format each time and took a tenth of the service's time.
namespace quartermaster::mysql {
namespace {

constexpr char kShape[] = "0000-00-00 00:00:00";
constexpr size_t kShapeLength = sizeof(kShape) - 1;
constexpr size_t kFractionLengthMax = 6;

bool HasShape(absl::string_view text) {
  if (text.size() < kShapeLength) return false;
  for (size_t i = 0; i < kShapeLength; ++i) {
    if (kShape[i] == '0' ? !absl::ascii_isdigit(text[i]) : text[i] != kShape[i]) return false;
  }
  const absl::string_view fraction = text.substr(kShapeLength);
  if (fraction.empty()) return true;
  if (fraction[0] != '.' || fraction.size() == 1 || fraction.size() > kFractionLengthMax + 1) {
    return false;
  }
  for (const char c : fraction.substr(1)) {
    if (!absl::ascii_isdigit(c)) return false;
  }
  return true;
}

// The number that `digits`, which are digits all, are; those that are missing at the end are zeros.
int64_t ToNumber(absl::string_view digits, size_t length) {
  int64_t number = 0;
  for (size_t i = 0; i < length; ++i) {
    number = number * 10 + (i < digits.size() ? digits[i] - '0' : 0);
  }
  return number;
}

}  // namespace

absl::StatusOr<std::string> FormatDateTime(absl::Time time) {
  const absl::TimeZone::CivilInfo civil = absl::UTCTimeZone().At(time);
  const absl::CivilSecond second = civil.cs;
  if (second.year() < 1000 || second.year() > 9999) {
    return absl::InvalidArgumentError(
        absl::StrCat("a DATETIME has years 1000 to 9999, not ", absl::FormatTime(time)));
  }
  const auto two = [](int number) { return absl::Dec(number, absl::kZeroPad2); };
  return absl::StrCat(second.year(), "-", two(second.month()), "-", two(second.day()), " ",
                      two(second.hour()), ":", two(second.minute()), ":", two(second.second()), ".",
                      absl::Dec(absl::ToInt64Microseconds(civil.subsecond), absl::kZeroPad6));
}

absl::StatusOr<absl::Time> ParseDateTime(absl::string_view text) {
  const auto not_a_time = [&] {
    return absl::InvalidArgumentError(absl::StrCat("not a DATETIME: ", text));
  };
  if (!HasShape(text)) return not_a_time();
  const auto two = [&](size_t at) { return ToNumber(text.substr(at, 2), 2); };
  const absl::CivilSecond second(ToNumber(text.substr(0, 4), 4), two(5), two(8), two(11), two(14),
                                 two(17));
  // A month or a second too many would be carried over.
  if (second.month() != two(5) || second.day() != two(8) || second.hour() != two(11) ||
      second.minute() != two(14) || second.second() != two(17)) {
    return not_a_time();
  }
  const absl::string_view fraction =
      text.size() == kShapeLength ? absl::string_view() : text.substr(kShapeLength + 1);
  return absl::FromCivil(second, absl::UTCTimeZone()) +
         absl::Microseconds(ToNumber(fraction, kFractionLengthMax));
}

}  // namespace quartermaster::mysql
