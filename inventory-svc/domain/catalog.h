#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "inventory-svc/domain/title.h"

namespace quartermaster::inventory {

// What is dangerous about an item. The numbers are the API's and the database's.
enum class HazardClass : uint8_t { kNone = 1, kFlammable = 2, kCorrosive = 3 };

// One `unit` is `numerator` / `denominator` base units; the quotient is whole.
struct ItemUnit {
  std::string unit;
  int64_t numerator = 1;
  int64_t denominator = 1;

  friend bool operator==(const ItemUnit&, const ItemUnit&) = default;
};

// How a source packs an item; its name is used as a unit of quantity. Postings keep the amount that
// the version of their day came to.
struct Pack {
  std::string pack;
  std::string source;
  // What one pack holds, as declared.
  int64_t content_amount = 1;
  std::string content_unit;
  // 1 for the first declaration, then one more each time.
  int32_t version = 0;
  // What one pack holds in base units.
  int64_t base_quantity = 0;

  friend bool operator==(const Pack&, const Pack&) = default;
};

// A kind of thing that can be kept.
struct Item {
  // What its versions are kept as.
  static constexpr char kForm[] = "item.1";

  // `items/{item}`.
  std::string name;
  Title title;
  // The unit that balances are kept in.
  std::string base_unit;
  // Other units that quantities may be given in.
  std::vector<ItemUnit> units;
  // Seven digits by GB/T 38565, or empty.
  std::string category_code;
  // Whether lots must carry an expiry date.
  bool is_expiring = false;
  // Whether it comes back after use.
  bool is_durable = false;
  HazardClass hazard = HazardClass::kNone;
  // `items/{item}` that serve instead, best first.
  std::vector<std::string> substitutes;
  // The newest version of each.
  std::vector<Pack> packs;
  absl::Time create_time;
  absl::Time update_time;

  friend bool operator==(const Item&, const Item&) = default;
};

template <typename V>
void VisitFields(V& visit, ItemUnit& unit) {
  visit(unit.unit, unit.numerator, unit.denominator);
}
template <typename V>
void VisitFields(V& visit, Pack& pack) {
  visit(pack.pack, pack.source, pack.content_amount, pack.content_unit, pack.version,
        pack.base_quantity);
}
template <typename V>
void VisitFields(V& visit, Item& item) {
  visit(item.name, item.title, item.base_unit, item.units, item.category_code, item.is_expiring,
        item.is_durable, item.hazard, item.substitutes, item.packs, item.create_time,
        item.update_time);
}

}  // namespace quartermaster::inventory
