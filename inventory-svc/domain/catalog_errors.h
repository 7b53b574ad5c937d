#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "inventory-svc/domain/catalog.h"

// Every refusal about items and their units, one function each.
namespace quartermaster::inventory {

absl::Status ItemNotFound(absl::string_view item);
absl::Status ItemExists(absl::string_view item);
// One of `unit` is not a whole number of base units that fits.
absl::Status ConversionNotExact(absl::string_view item, const ItemUnit& unit);
// `fact` rests under postings and would change.
absl::Status ItemFactFixed(absl::string_view item, absl::string_view fact);
absl::Status UnitOfMeasureUnknown(absl::string_view item, absl::string_view unit);
// `amount` of `unit` is more than 2^63-1 base units.
absl::Status QuantityOverflow(absl::string_view item, int64_t amount, absl::string_view unit);
absl::Status PackNameTaken(absl::string_view item, absl::string_view pack);
absl::Status PackLimitReached(absl::string_view item, size_t limit);

}  // namespace quartermaster::inventory
