#pragma once

#include <cstdint>
#include <optional>

#include "absl/numeric/int128.h"

namespace quartermaster::values {

// Adds; nothing if the sum is outside int64.
std::optional<int64_t> CheckedAdd(int64_t a, int64_t b);
// Subtracts; nothing if the difference is outside int64.
std::optional<int64_t> CheckedSubtract(int64_t a, int64_t b);
// Multiplies in 128 bits; nothing if the product is outside int64.
std::optional<int64_t> CheckedMultiply(int64_t a, int64_t b);
// Returns `number`, or the int64 that comes nearest: for sums that are shown, not counted on with.
int64_t Saturate(absl::int128 number);

}  // namespace quartermaster::values
