#include "platform/values/exact.h"

#include <algorithm>
#include <limits>

namespace quartermaster::values {

std::optional<int64_t> CheckedAdd(int64_t a, int64_t b) {
  int64_t sum;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

std::optional<int64_t> CheckedSubtract(int64_t a, int64_t b) {
  int64_t difference;
  if (__builtin_sub_overflow(a, b, &difference)) return std::nullopt;
  return difference;
}

std::optional<int64_t> CheckedMultiply(int64_t a, int64_t b) {
  const __int128 product = static_cast<__int128>(a) * b;
  if (product != static_cast<int64_t>(product)) return std::nullopt;
  return static_cast<int64_t>(product);
}

int64_t Saturate(absl::int128 number) {
  constexpr absl::int128 kMax = std::numeric_limits<int64_t>::max();
  constexpr absl::int128 kMin = std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(std::clamp(number, kMin, kMax));
}

}  // namespace quartermaster::values
