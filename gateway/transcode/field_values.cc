#include "gateway/transcode/field_values.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/charconv.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gateway/transcode/nearest.h"

namespace quartermaster::gateway {
namespace {

using google::protobuf::Duration;
using google::protobuf::Timestamp;

constexpr int64_t kTimestampMin = -62135596800;  // 0001-01-01T00:00:00Z
constexpr int64_t kTimestampMax = 253402300799;  // 9999-12-31T23:59:59Z
constexpr int64_t kDurationMax = 315576000000;   // 10,000 years, as duration.proto says

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

// Values appear in errors; long ones are cut.
std::string Quoted(absl::string_view text) {
  constexpr size_t kShown = 60;
  if (text.size() <= kShown) return absl::StrCat("\"", absl::Utf8SafeCEscape(text), "\"");
  size_t end = kShown;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;  // not inside a character
  return absl::StrCat("\"", absl::Utf8SafeCEscape(text.substr(0, end)), "…\"");
}

absl::Status Wrong(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(Quoted(text), " ", why));
}

// A whole number: sign and digits without leading zeros, at most 20 of them.
struct Whole {
  bool is_negative = false;
  std::string digits;
};

// Moves the decimal point by the exponent. Fails if digits other than zero stay behind it.
absl::StatusOr<Whole> ParseWhole(absl::string_view number) {
  if (!IsJsonNumber(number)) return Wrong(number, "is not a number");
  Whole whole{.is_negative = number[0] == '-'};
  const size_t exponent_at = std::min(number.find_first_of("eE"), number.size());
  absl::string_view mantissa = absl::StripPrefix(number.substr(0, exponent_at), "-");
  const size_t point = std::min(mantissa.find('.'), mantissa.size());
  std::string digits(mantissa.substr(0, point));
  int64_t scale = 0;  // the value is digits * 10^scale
  if (point < mantissa.size()) {
    absl::StrAppend(&digits, mantissa.substr(point + 1));
    scale = -static_cast<int64_t>(mantissa.size() - point - 1);
  }
  digits = digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) {
    whole.digits.push_back('0');
    return whole;
  }
  if (exponent_at < number.size()) {
    absl::string_view exponent = absl::StripPrefix(number.substr(exponent_at + 1), "+");
    int64_t value = 0;
    if (!absl::SimpleAtoi(exponent, &value) || value > 10'000'000 || value < -10'000'000) {
      return Wrong(number, "is out of range");
    }
    scale += value;
  }
  const size_t kept = digits.find_last_not_of('0') + 1;
  scale += static_cast<int64_t>(digits.size() - kept);
  digits.resize(kept);
  if (scale < 0) return Wrong(number, "is not a whole number");
  if (static_cast<int64_t>(digits.size()) + scale > 20) return Wrong(number, "is out of range");
  digits.append(static_cast<size_t>(scale), '0');
  whole.digits = std::move(digits);
  return whole;
}

// Reads the digits after a point, one to nine of them, as nanoseconds.
bool ReadFraction(absl::string_view& text, int32_t& nanos) {
  if (!absl::ConsumePrefix(&text, ".")) return true;
  int digit_count = 0;
  while (!text.empty() && IsDigit(text[0])) {
    if (++digit_count > 9) return false;
    nanos = nanos * 10 + (text[0] - '0');
    text.remove_prefix(1);
  }
  if (digit_count == 0) return false;
  for (; digit_count < 9; ++digit_count) nanos *= 10;
  return true;
}

std::string RenderFraction(int32_t nanos) {
  if (nanos == 0) return "";
  if (nanos % 1'000'000 == 0) return absl::StrFormat(".%03d", nanos / 1'000'000);
  if (nanos % 1'000 == 0) return absl::StrFormat(".%06d", nanos / 1'000);
  return absl::StrFormat(".%09d", nanos);
}

// Reads exactly `count` digits.
bool ReadDigits(absl::string_view& text, size_t count, int& value) {
  if (text.size() < count || !std::all_of(text.begin(), text.begin() + count, IsDigit))
    return false;
  value = 0;
  for (size_t i = 0; i < count; ++i) value = value * 10 + (text[i] - '0');
  text.remove_prefix(count);
  return true;
}

// Reads `Z` or `+08:00`, in seconds east of UTC.
bool ReadOffset(absl::string_view& text, int& offset) {
  offset = 0;
  if (absl::ConsumePrefix(&text, "Z")) return true;
  const bool is_west = absl::StartsWith(text, "-");
  if (!is_west && !absl::StartsWith(text, "+")) return false;
  text.remove_prefix(1);
  int hours = 0;
  int minutes = 0;
  if (!ReadDigits(text, 2, hours) || !absl::ConsumePrefix(&text, ":") ||
      !ReadDigits(text, 2, minutes) || hours > 23 || minutes > 59) {
    return false;
  }
  offset = (hours * 60 + minutes) * 60 * (is_west ? -1 : 1);
  return true;
}

template <typename Float>
absl::StatusOr<Float> ParseFloatingPoint(absl::string_view number) {
  if (number == "NaN") return std::numeric_limits<Float>::quiet_NaN();
  if (number == "Infinity") return std::numeric_limits<Float>::infinity();
  if (number == "-Infinity") return -std::numeric_limits<Float>::infinity();
  if (!IsJsonNumber(number)) return Wrong(number, "is not a number");
  Float value = 0;
  const auto [end, error] = absl::from_chars(number.data(), number.data() + number.size(), value);
  // Too small a number becomes zero; too large a one has no neighbor that could stand for it.
  if (error == std::errc::result_out_of_range && std::abs(value) > 1) {
    return Wrong(number, "is out of range");
  }
  return value;
}

}  // namespace

bool IsJsonNumber(absl::string_view text) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t begin = i;
    while (i < text.size() && IsDigit(text[i])) ++i;
    return i - begin;
  };
  if (i < text.size() && text[i] == '-') ++i;
  const size_t integer_at = i;
  const size_t integer_digits = digits();
  if (integer_digits == 0 || (integer_digits > 1 && text[integer_at] == '0')) return false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0) return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

absl::StatusOr<int64_t> ParseInteger(absl::string_view number, int64_t min, int64_t max) {
  absl::StatusOr<Whole> whole = ParseWhole(number);
  if (!whole.ok()) return whole.status();
  int64_t value = 0;
  if (!absl::SimpleAtoi(absl::StrCat(whole->is_negative ? "-" : "", whole->digits), &value) ||
      value < min || value > max) {
    return Wrong(number, absl::StrCat("is not between ", min, " and ", max));
  }
  return value;
}

absl::StatusOr<uint64_t> ParseUnsigned(absl::string_view number, uint64_t max) {
  absl::StatusOr<Whole> whole = ParseWhole(number);
  if (!whole.ok()) return whole.status();
  uint64_t value = 0;
  if ((whole->is_negative && whole->digits != "0") || !absl::SimpleAtoi(whole->digits, &value) ||
      value > max) {
    return Wrong(number, absl::StrCat("is not between 0 and ", max));
  }
  return value;
}

absl::StatusOr<double> ParseDouble(absl::string_view number) {
  return ParseFloatingPoint<double>(number);
}

absl::StatusOr<float> ParseFloat(absl::string_view number) {
  return ParseFloatingPoint<float>(number);
}

absl::StatusOr<int> ParseEnum(absl::string_view name,
                              const google::protobuf::EnumDescriptor& type) {
  if (const auto* value = type.FindValueByName(std::string(name))) return value->number();
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) names.push_back(type.value(i)->name());
  const std::string nearest = NearestOf(name, names);
  return Wrong(name,
               absl::StrCat("is not a value of ", type.name(),
                            nearest.empty() ? "" : absl::StrCat("; did you mean ", nearest, "?")));
}

absl::StatusOr<std::string> ParseBase64(absl::string_view text) {
  std::string bytes;
  if (absl::Base64Unescape(text, &bytes) || absl::WebSafeBase64Unescape(text, &bytes)) return bytes;
  return Wrong(text, "is not base64");
}

absl::StatusOr<Timestamp> ParseTimestamp(absl::string_view text) {
  absl::string_view rest = text;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offset = 0;
  int32_t nanos = 0;
  if (!ReadDigits(rest, 4, year) || !absl::ConsumePrefix(&rest, "-") ||
      !ReadDigits(rest, 2, month) || !absl::ConsumePrefix(&rest, "-") ||
      !ReadDigits(rest, 2, day) || !absl::ConsumePrefix(&rest, "T") || !ReadDigits(rest, 2, hour) ||
      !absl::ConsumePrefix(&rest, ":") || !ReadDigits(rest, 2, minute) ||
      !absl::ConsumePrefix(&rest, ":") || !ReadDigits(rest, 2, second) ||
      !ReadFraction(rest, nanos) || !ReadOffset(rest, offset) || !rest.empty()) {
    return Wrong(text, "is not a time like 2026-02-03T08:00:00+08:00");
  }
  // A civil time moves what does not exist (30 February) to what does; that is how to notice.
  const absl::CivilSecond civil(year, month, day, hour, minute, second);
  if (civil.month() != month || civil.day() != day || civil.hour() != hour ||
      civil.minute() != minute || civil.second() != second) {
    return Wrong(text, "is a time that does not exist");
  }
  const int64_t seconds = absl::ToUnixSeconds(absl::FromCivil(civil, absl::UTCTimeZone())) - offset;
  if (seconds < kTimestampMin || seconds > kTimestampMax) {
    return Wrong(text, "is not in the years 1 to 9999");
  }
  Timestamp timestamp;
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(nanos);
  return timestamp;
}

absl::StatusOr<std::string> RenderTimestamp(const Timestamp& timestamp) {
  if (timestamp.seconds() < kTimestampMin || timestamp.seconds() > kTimestampMax ||
      timestamp.nanos() < 0 || timestamp.nanos() > 999'999'999) {
    return absl::InternalError("a timestamp is out of range");
  }
  const absl::CivilSecond civil =
      absl::ToCivilSecond(absl::FromUnixSeconds(timestamp.seconds()), absl::UTCTimeZone());
  return absl::StrFormat("%04d-%02d-%02dT%02d:%02d:%02d%sZ", civil.year(), civil.month(),
                         civil.day(), civil.hour(), civil.minute(), civil.second(),
                         RenderFraction(timestamp.nanos()));
}

absl::StatusOr<Duration> ParseDuration(absl::string_view text) {
  absl::string_view rest = text;
  const bool is_negative = absl::ConsumePrefix(&rest, "-");
  int64_t seconds = 0;
  int digit_count = 0;
  while (!rest.empty() && IsDigit(rest[0]) && ++digit_count <= 12) {
    seconds = seconds * 10 + (rest[0] - '0');
    rest.remove_prefix(1);
  }
  int32_t nanos = 0;
  if (digit_count == 0 || !ReadFraction(rest, nanos) || rest != "s") {
    return Wrong(text, "is not a duration like 1.5s");
  }
  if (seconds > kDurationMax || (seconds == kDurationMax && nanos > 0)) {
    return Wrong(text, "is longer than 10,000 years");
  }
  Duration duration;
  duration.set_seconds(is_negative ? -seconds : seconds);
  duration.set_nanos(is_negative ? -nanos : nanos);
  return duration;
}

absl::StatusOr<std::string> RenderDuration(const Duration& duration) {
  const int64_t seconds = duration.seconds();
  const int32_t nanos = duration.nanos();
  if (seconds > kDurationMax || seconds < -kDurationMax || nanos > 999'999'999 ||
      nanos < -999'999'999 || (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0)) {
    return absl::InternalError("a duration is out of range");
  }
  const bool is_negative = seconds < 0 || nanos < 0;
  return absl::StrCat(is_negative ? "-" : "", std::abs(seconds), RenderFraction(std::abs(nanos)),
                      "s");
}

}  // namespace quartermaster::gateway
