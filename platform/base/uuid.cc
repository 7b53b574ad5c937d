#include "platform/base/uuid.h"

#include <sys/random.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "platform/base/check.h"

namespace quartermaster::base {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(c);
  if (lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
  return -1;
}

constexpr bool IsDashAt(size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

}  // namespace

std::optional<Uuid> Uuid::Parse(absl::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Uuid uuid;
  size_t nibble = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsDashAt(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int digit = HexDigit(text[i]);
    if (digit < 0) return std::nullopt;
    uuid.bytes[nibble / 2] |= static_cast<uint8_t>(nibble % 2 == 0 ? digit << 4 : digit);
    ++nibble;
  }
  return uuid;
}

std::optional<Uuid> Uuid::FromBytes(absl::string_view sixteen_bytes) {
  if (sixteen_bytes.size() != 16) return std::nullopt;
  Uuid uuid;
  std::copy(sixteen_bytes.begin(), sixteen_bytes.end(), uuid.bytes.begin());
  return uuid;
}

std::string Uuid::ToString() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (const uint8_t byte : bytes) {
    if (IsDashAt(text.size())) text.push_back('-');
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

std::string Uuid::ToBytes() const { return std::string(bytes.begin(), bytes.end()); }

Uuid UuidSource::Next() {
  Uuid fresh;
  // 16 bytes are never short nor interrupted (getrandom(2), up to 256 bytes).
  QM_CHECK(getrandom(fresh.bytes.data(), fresh.bytes.size(), 0) == 16);
  const int64_t millis = absl::ToUnixMillis(clock_.Now());
  for (int i = 0; i < 6; ++i) {
    fresh.bytes[i] = static_cast<uint8_t>(millis >> (8 * (5 - i)));
  }
  fresh.bytes[6] = 0x70 | (fresh.bytes[6] & 0x0f);
  fresh.bytes[8] = 0x80 | (fresh.bytes[8] & 0x3f);

  base::MutexLock lock(&mutex_);
  if (fresh <= last_) {
    // Same millisecond with a smaller random part, or the clock stepped back: count on from the
    // last.
    fresh = last_;
    for (int i = 15; i >= 9; --i) {
      if (++fresh.bytes[i] != 0) break;
    }
  }
  last_ = fresh;
  return fresh;
}

}  // namespace quartermaster::base
