#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/numeric/int128.h"
#include "absl/strings/numbers.h"
#include "platform/mysql/rows.h"

namespace quartermaster::inventory {

// Reads a SUM of balances. Each balance fits 64 bits, many together may not: such a sum is the
// most, or the least, there is.
inline int64_t ReadSum(mysql::Row row, size_t column) {
  const std::string& digits = row.String(column);
  int64_t sum = 0;
  if (absl::SimpleAtoi(digits, &sum)) return sum;
  return digits[0] == '-' ? std::numeric_limits<int64_t>::min()
                          : std::numeric_limits<int64_t>::max();
}

// Returns `quantity`, or the most, or the least, there is.
inline int64_t Saturate(absl::int128 quantity) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  if (quantity > absl::int128(kMax)) return kMax;
  if (quantity < absl::int128(kMin)) return kMin;
  return static_cast<int64_t>(quantity);
}

}  // namespace quartermaster::inventory
