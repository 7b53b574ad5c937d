#pragma once

#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/numeric/int128.h"
#include "inventory-svc/domain/stock_queries.h"

namespace quartermaster::inventory {

// Adds balances up to what each unit has of each item. Each balance fits 64 bits, many together may
// not, nor do those of the occurred clock. Not thread-safe.
class StockSums {
 public:
  // Adds one balance. `is_expiring` says whether its lot expires before the day that was asked for.
  void Add(UnitId unit, ItemId item, State state, bool is_expiring, absl::int128 quantity);

  // Returns a line for each unit and item of which anything was added, in any order.
  std::vector<StockLine> Lines() const;

 private:
  struct Sum {
    absl::int128 available = 0;
    absl::int128 reserved = 0;
    absl::int128 quarantine = 0;
    absl::int128 in_transit = 0;
    absl::int128 expiring_soon = 0;
  };

  absl::flat_hash_map<std::pair<UnitId, ItemId>, Sum> sums_;
};

}  // namespace quartermaster::inventory
