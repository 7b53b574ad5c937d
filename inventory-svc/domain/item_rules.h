#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/catalog.h"

// What an item may become, decided from values alone.
namespace quartermaster::inventory {

// How many packs an item may have.
inline constexpr size_t kPacksMax = 256;

// Returns `item` as `wanted` says, keeping its packs and the time it was created.
// ITEM_FACT_FIXED if that would change what postings rest on: the base unit, a declared conversion,
// whether it expires, whether it is durable. CONVERSION_NOT_EXACT.
absl::StatusOr<Item> Revise(const Item& item, const Item& wanted, absl::Time record_time);

// Returns `item` with `pack` as a new pack, or as the next version of the pack of that name.
// UNIT_OF_MEASURE_UNKNOWN, QUANTITY_OVERFLOW, PACK_NAME_TAKEN, PACK_LIMIT_REACHED.
absl::StatusOr<Item> WithPack(const Item& item, Pack pack, absl::Time record_time);

}  // namespace quartermaster::inventory
