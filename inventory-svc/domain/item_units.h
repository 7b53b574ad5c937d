#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "inventory-svc/domain/catalog.h"

// The arithmetic between what people write and what balances are kept in. Exact, or refused.
namespace quartermaster::inventory {

// Returns how many base units `amount` of `unit` is; an empty `unit` is the base unit. `amount`
// must not be negative. UNIT_OF_MEASURE_UNKNOWN if neither a unit nor a pack of the item has that
// name, QUANTITY_OVERFLOW if the product is more than 2^63-1.
absl::StatusOr<int64_t> ToBase(const Item& item, int64_t amount, absl::string_view unit);

// Checks that one of each declared unit is a whole number of base units. CONVERSION_NOT_EXACT for
// the first that is not.
absl::Status CheckConversions(const Item& item);

}  // namespace quartermaster::inventory
