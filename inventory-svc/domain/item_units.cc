#include "inventory-svc/domain/item_units.h"

#include <algorithm>
#include <optional>

#include "inventory-svc/domain/catalog_errors.h"
#include "platform/values/exact.h"

namespace quartermaster::inventory {
namespace {

// Returns how many base units one of `unit` is, if the item knows it.
std::optional<int64_t> BaseUnitsPer(const Item& item, absl::string_view unit) {
  if (unit.empty() || unit == item.base_unit) return 1;
  const auto declared = std::ranges::find(item.units, unit, &ItemUnit::unit);
  if (declared != item.units.end()) return declared->numerator / declared->denominator;
  const auto pack = std::ranges::find(item.packs, unit, &Pack::pack);
  if (pack != item.packs.end()) return pack->base_quantity;
  return std::nullopt;
}

}  // namespace

absl::StatusOr<int64_t> ToBase(const Item& item, int64_t amount, absl::string_view unit) {
  const std::optional<int64_t> per_unit = BaseUnitsPer(item, unit);
  if (!per_unit.has_value()) return UnitOfMeasureUnknown(item.name, unit);
  const std::optional<int64_t> base = values::CheckedMultiply(amount, *per_unit);
  if (!base.has_value()) return QuantityOverflow(item.name, amount, unit);
  return *base;
}

absl::Status CheckConversions(const Item& item) {
  for (const ItemUnit& unit : item.units) {
    if (unit.numerator % unit.denominator != 0) return ConversionNotExact(item.name, unit);
  }
  return absl::OkStatus();
}

}  // namespace quartermaster::inventory
