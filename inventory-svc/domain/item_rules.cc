#include "inventory-svc/domain/item_rules.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "inventory-svc/domain/catalog_errors.h"
#include "inventory-svc/domain/item_units.h"
#include "platform/base/status_macros.h"

namespace quartermaster::inventory {

absl::StatusOr<Item> Revise(const Item& item, const Item& wanted, absl::Time record_time) {
  if (wanted.base_unit != item.base_unit) return ItemFactFixed(item.name, "base_unit");
  if (wanted.is_expiring != item.is_expiring) return ItemFactFixed(item.name, "is_expiring");
  if (wanted.is_durable != item.is_durable) return ItemFactFixed(item.name, "is_durable");
  for (const ItemUnit& unit : item.units) {
    if (std::ranges::find(wanted.units, unit) == wanted.units.end()) {
      return ItemFactFixed(item.name, "units." + unit.unit);
    }
  }
  for (const ItemUnit& unit : wanted.units) {
    // A quantity in that unit would mean two things.
    if (std::ranges::find(item.packs, unit.unit, &Pack::pack) != item.packs.end()) {
      return ItemFactFixed(item.name, "packs." + unit.unit);
    }
  }
  QM_RETURN_IF_ERROR(CheckConversions(wanted));
  Item revised = wanted;
  revised.packs = item.packs;
  revised.create_time = item.create_time;
  revised.update_time = record_time;
  return revised;
}

absl::StatusOr<Item> WithPack(const Item& item, Pack pack, absl::Time record_time) {
  // Packs hold units, not packs: the amount of one must not hang on the version of another.
  Item without_packs = item;
  without_packs.packs.clear();
  QM_ASSIGN_OR_RETURN(pack.base_quantity,
                      ToBase(without_packs, pack.content_amount, pack.content_unit));
  if (pack.pack == item.base_unit ||
      std::ranges::find(item.units, pack.pack, &ItemUnit::unit) != item.units.end()) {
    return PackNameTaken(item.name, pack.pack);
  }
  Item changed = item;
  changed.update_time = record_time;
  const auto earlier = std::ranges::find(changed.packs, pack.pack, &Pack::pack);
  if (earlier != changed.packs.end()) {
    pack.version = earlier->version + 1;
    *earlier = std::move(pack);
  } else {
    if (item.packs.size() >= kPacksMax) return PackLimitReached(item.name, kPacksMax);
    pack.version = 1;
    changed.packs.push_back(std::move(pack));
  }
  return changed;
}

}  // namespace quartermaster::inventory
