#include "inventory-svc/storage/stock_sums.h"

#include "platform/values/exact.h"

namespace quartermaster::inventory {

void StockSums::Add(UnitId unit, ItemId item, State state, bool is_expiring,
                    absl::int128 quantity) {
  Sum& sum = sums_[{unit, item}];
  if (state == State::kAvailable) sum.available += quantity;
  if (state == State::kAvailable && is_expiring) sum.expiring_soon += quantity;
  if (state == State::kReserved) sum.reserved += quantity;
  if (state == State::kQuarantine) sum.quarantine += quantity;
  if (state == State::kInTransit) sum.in_transit += quantity;
}

std::vector<StockLine> StockSums::Lines() const {
  std::vector<StockLine> lines;
  lines.reserve(sums_.size());
  for (const auto& [place, sum] : sums_) {
    lines.push_back({.unit = place.first,
                     .item = place.second,
                     .available = values::Saturate(sum.available),
                     .reserved = values::Saturate(sum.reserved),
                     .quarantine = values::Saturate(sum.quarantine),
                     .in_transit = values::Saturate(sum.in_transit),
                     .expiring_soon = values::Saturate(sum.expiring_soon)});
  }
  return lines;
}

}  // namespace quartermaster::inventory
