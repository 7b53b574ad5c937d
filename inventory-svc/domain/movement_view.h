#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "inventory-svc/domain/ledger_types.h"
#include "inventory-svc/domain/scope.h"
#include "inventory-svc/domain/stock_history.h"

// What of a movement its reader may see.
namespace quartermaster::inventory {

// Returns `movement` as `scope` lets it be seen, or nothing if that covers none of its lines. A
// line is covered if the unit at either end is: who sends knows where to, and who receives from
// where. Lines that are not covered are left out and counted; then the note and the paper are left
// out too, because they speak of the whole movement.
std::optional<Movement> SeenBy(const Scope& scope, Movement movement);

// Returns the units that the lines touch, each once.
std::vector<std::string> UnitsOf(const std::vector<MovementLine>& lines);

// Takes away what `movements` tell of reversals that came after `moment`.
absl::Status ForgetLaterReversals(StockHistory& history, absl::Time deadline, const Moment& moment,
                                  std::vector<Movement>& movements);

}  // namespace quartermaster::inventory
