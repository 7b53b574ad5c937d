#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "inventory-svc/domain/ids.h"
#include "inventory-svc/domain/title.h"

namespace quartermaster::inventory {

// What sort of office a unit is. The numbers are the API's and are kept in snapshots.
enum class UnitKind : uint8_t {
  kMinistry = 1,
  kProvince = 2,
  kCity = 3,
  kSubBureau = 4,
  kSwatDetachment = 5,
  kCustodyDetachment = 6,
  kTrafficDetachment = 7,
  kDetachment = 8,
  kStation = 9,
  kCheckpoint = 10,
  kPartner = 11,
};

// Whose turn it is when there is not enough. The numbers are the API's.
enum class PriorityClass : uint8_t { kKey = 1, kUrgent = 2, kFrontline = 3, kRegular = 4 };

// What sort of place a location is. The numbers are the API's and the database's.
enum class LocationKind : uint8_t {
  kDepot = 1,
  kStoreRoom = 2,
  kDutyPoint = 3,
  kFlammablesStore = 4,
};

// An office that is answerable for goods.
struct Unit {
  // What its versions are kept as.
  static constexpr char kForm[] = "unit.1";

  // `units/{unit}`.
  std::string name;
  // The unit above; empty for the root of the tree.
  std::string parent;
  Title title;
  UnitKind kind = UnitKind::kStation;
  PriorityClass priority = PriorityClass::kRegular;
  // Officers on the establishment.
  int64_t establishment_count = 0;
  absl::Time create_time;
  absl::Time update_time;

  friend bool operator==(const Unit&, const Unit&) = default;
};

// A place where a unit keeps things.
struct Location {
  // What its versions are kept as.
  static constexpr char kForm[] = "location.1";

  // `units/{unit}/locations/{location}`.
  std::string name;
  Title title;
  LocationKind kind = LocationKind::kStoreRoom;
  // The subject of the person who answers for the place, or empty. Never a person's name.
  std::string custodian;
  absl::Time create_time;
  absl::Time update_time;

  friend bool operator==(const Location&, const Location&) = default;
};

// What postings need to know of a location.
struct LocationFacts {
  LocationId id = {};
  UnitId unit = {};
  std::string name;
  LocationKind kind = LocationKind::kStoreRoom;
};

template <typename V>
void VisitFields(V& visit, Unit& unit) {
  visit(unit.name, unit.parent, unit.title, unit.kind, unit.priority, unit.establishment_count,
        unit.create_time, unit.update_time);
}
template <typename V>
void VisitFields(V& visit, Location& location) {
  visit(location.name, location.title, location.kind, location.custodian, location.create_time,
        location.update_time);
}

}  // namespace quartermaster::inventory
