#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/scope.h"
#include "inventory-svc/domain/stock_store.h"

// Which lots a caller may know of.
namespace quartermaster::inventory {

// Finds lots by name, of those that `scope` lets be known: it covers the owner, or a unit that
// holds some of the lot or has held some. Any other is missing from the answer, as one that does
// not exist is.
absl::StatusOr<std::vector<LotRow>> FindKnownLots(StockStore& store, absl::Time deadline,
                                                  const Scope& scope,
                                                  const std::vector<std::string>& names);

}  // namespace quartermaster::inventory
