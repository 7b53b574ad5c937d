#include "tests/harness/ledger_world.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"

namespace quartermaster::inventory {
namespace {

constexpr absl::Time kFoundingTime = absl::FromUnixSeconds(1'577'836'800);

base::Uuid MakeUuid(uint8_t tag, uint64_t number) {
  base::Uuid uuid;
  uuid.bytes[0] = tag;
  uuid.bytes[6] = 0x70;
  uuid.bytes[8] = 0x80;
  for (int i = 0; i < 7; ++i) uuid.bytes[15 - i] = static_cast<uint8_t>(number >> (8 * i));
  return uuid;
}

Item AnItem(std::string name, std::string base_unit) {
  Item item;
  item.name = std::move(name);
  item.title = {.zh = "物资"};
  item.base_unit = std::move(base_unit);
  item.hazard = HazardClass::kNone;
  item.create_time = item.update_time = kFoundingTime;
  return item;
}

}  // namespace

LedgerWorld::LedgerWorld() {
  Item masks = AnItem("items/n95-mask", "piece");
  masks.units = {{.unit = "box", .numerator = 10, .denominator = 1}};
  Item alcohol = AnItem("items/alcohol", "g");
  alcohol.units = {{.unit = "t", .numerator = 1'000'000, .denominator = 1}};
  alcohol.hazard = HazardClass::kFlammable;
  known_items_ = {{.id = ItemId{1}, .item = masks}, {.id = ItemId{2}, .item = alcohol}};
  const auto add_lot = [&](LotId id, const char* name) {
    lots_.push_back({.id = id,
                     .lot = {.name = name,
                             .origin = Lot::Origin::kSupplier,
                             .owner = "units/city",
                             .create_time = kFoundingTime}});
  };
  add_lot(kMasksId, kMasks);
  add_lot(kOtherMasksId, kOtherMasks);
  add_lot(kAlcoholId, kAlcohol);
  QM_CHECK(units_.Refresh(absl::InfiniteFuture()).ok());
}

std::vector<std::string> LedgerWorld::SeedStatements() {
  return {
      "INSERT INTO units (unit_id, name, parent_id, changed_version) VALUES "
      "(1, 'units/city', NULL, 1)",
      "INSERT INTO units (unit_id, name, parent_id, changed_version) VALUES "
      "(2, 'units/east', 1, 1), (3, 'units/west', 1, 1)",
      "INSERT INTO locations (location_id, unit_id, name, kind, changed_version) VALUES "
      "(1, 2, 'units/east/locations/depot', 1, 1), (2, 2, 'units/east/locations/shelf', 2, 1), "
      "(3, 2, 'units/east/locations/cabinet', 4, 1), (4, 3, 'units/west/locations/room', 2, 1)",
      "INSERT INTO items (item_id, name, base_unit, is_expiring, is_durable, hazard, "
      "changed_version) VALUES (1, 'items/n95-mask', 'piece', 0, 0, 1, 1), "
      "(2, 'items/alcohol', 'g', 0, 0, 2, 1)",
      "INSERT INTO lots (lot_id, item_id, name, origin, origin_reference, owner_unit_id, "
      "expiry_date, create_time) VALUES (1, 1, 'm1', 1, '', 1, NULL, '2020-01-01'), "
      "(2, 1, 'm2', 1, '', 1, NULL, '2020-01-01'), (3, 2, 'a1', 1, '', 1, NULL, '2020-01-01')"};
}

absl::StatusOr<UnitChanges> LedgerWorld::LoadUnitChanges(absl::Time /*deadline*/,
                                                         int64_t known_version) {
  UnitChanges changes{.version = 1};
  if (known_version >= 1) return changes;
  changes.is_complete = true;
  changes.units = {{.id = UnitId{1}, .name = "units/city"},
                   {.id = UnitId{2}, .name = "units/east", .parent = UnitId{1}},
                   {.id = UnitId{3}, .name = "units/west", .parent = UnitId{1}}};
  const auto add = [&](LocationId id, UnitId unit, const char* name, LocationKind kind) {
    changes.locations.push_back({.id = id, .unit = unit, .name = name, .kind = kind});
  };
  add(kDepotId, UnitId{2}, kDepot, LocationKind::kDepot);
  add(kShelfId, UnitId{2}, kShelf, LocationKind::kStoreRoom);
  add(kCabinetId, UnitId{2}, kCabinet, LocationKind::kFlammablesStore);
  add(kRoomId, UnitId{3}, kRoom, LocationKind::kStoreRoom);
  return changes;
}

absl::StatusOr<std::vector<KnownItem>> LedgerWorld::LoadItems(
    absl::Time /*deadline*/, const std::vector<std::string>& names) {
  std::vector<KnownItem> found;
  for (const KnownItem& known : known_items_) {
    if (std::ranges::count(names, known.item.name) > 0) found.push_back(known);
  }
  return found;
}

absl::StatusOr<std::vector<KnownItem>> LedgerWorld::LoadItems(absl::Time /*deadline*/,
                                                              const std::vector<ItemId>& ids) {
  std::vector<KnownItem> found;
  for (const KnownItem& known : known_items_) {
    if (std::ranges::count(ids, known.id) > 0) found.push_back(known);
  }
  return found;
}

absl::StatusOr<ItemChanges> LedgerWorld::LoadItemChanges(absl::Time /*deadline*/,
                                                         int64_t known_version) {
  return ItemChanges{.version = 1, .is_everything = known_version < 1};
}

base::Uuid CountingUuids::Next() { return MakeUuid(0x01, next_++); }

base::Uuid RequestId(uint64_t number) { return MakeUuid(0xaa, number); }

base::Call CallBy(absl::string_view name) {
  const auto permissions = std::make_shared<const base::PermissionSet>(base::PermissionSet{
      "ledger.post", "ledger.reverse", "ledger.dispose", "ledger.correct", "ledger.open"});
  return {.caller = {.name = absl::StrCat("persons/", name),
                     .grants = {{.unit = "units/city", .permissions = permissions}}},
          .deadline = absl::Now() + absl::Minutes(1),
          .method = "quartermaster.inventory.v1.Ledger/PostMovement"};
}

MovementLine ALine(absl::string_view lot, absl::string_view location, State source,
                   State destination, int64_t amount) {
  return {.lot = std::string(lot),
          .source = {.location = std::string(location), .state = source},
          .destination = {.location = std::string(location), .state = destination},
          .quantity = {.amount = amount}};
}

PostMovementCommand AReceipt(int64_t amount, uint64_t request, absl::string_view location,
                             absl::string_view lot) {
  return {.reason = Reason::kReceive,
          .lines = {ALine(lot, location, State::kSupplier, State::kAvailable, amount)},
          .request_id = RequestId(request)};
}

PostMovementCommand AConsumption(int64_t amount, uint64_t request, absl::string_view location,
                                 absl::string_view lot) {
  return {.reason = Reason::kConsume,
          .lines = {ALine(lot, location, State::kAvailable, State::kConsumed, amount)},
          .request_id = RequestId(request)};
}

BalanceKey KeyOf(LocationId location, State state, LotId lot) {
  return {.location = location, .state = state, .lot = lot};
}

}  // namespace quartermaster::inventory
