#include "inventory-svc/domain/lot_view.h"

#include <algorithm>

#include "platform/base/status_macros.h"

namespace quartermaster::inventory {

absl::StatusOr<std::vector<LotRow>> FindKnownLots(StockStore& store, absl::Time deadline,
                                                  const Scope& scope,
                                                  const std::vector<std::string>& names) {
  QM_ASSIGN_OR_RETURN(std::vector<LotRow> lots, store.FindLots(deadline, names));
  std::vector<LotId> foreign;
  for (const LotRow& lot : lots) {
    if (!scope.Covers(lot.lot.owner)) foreign.push_back(lot.id);
  }
  if (foreign.empty()) return lots;
  QM_ASSIGN_OR_RETURN(const std::vector<LotId> held,
                      store.FindHeldLots(deadline, foreign, scope.Units()));
  std::erase_if(lots, [&](const LotRow& lot) {
    return std::ranges::count(foreign, lot.id) > 0 && std::ranges::count(held, lot.id) == 0;
  });
  return lots;
}

}  // namespace quartermaster::inventory
