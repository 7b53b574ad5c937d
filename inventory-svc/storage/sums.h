#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

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

}  // namespace quartermaster::inventory
