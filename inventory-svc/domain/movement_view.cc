#include "inventory-svc/domain/movement_view.h"

#include <algorithm>
#include <utility>

#include "inventory-svc/domain/names.h"
#include "platform/base/status_macros.h"

namespace quartermaster::inventory {

std::optional<Movement> SeenBy(const Scope& scope, Movement movement) {
  std::vector<MovementLine> seen;
  for (size_t i = 0; i < movement.lines.size(); ++i) {
    MovementLine& line = movement.lines[i];
    if (!scope.Covers(UnitOfLocation(line.source.location)) &&
        !scope.Covers(UnitOfLocation(line.destination.location))) {
      ++movement.withheld_line_count;
      continue;
    }
    line.number = static_cast<int>(i) + 1;
    seen.push_back(std::move(line));
  }
  if (seen.empty()) return std::nullopt;
  movement.lines = std::move(seen);
  if (movement.withheld_line_count > 0) {
    movement.note.clear();
    movement.source_document.reset();
  }
  return movement;
}

std::vector<std::string> UnitsOf(const std::vector<MovementLine>& lines) {
  std::vector<std::string> units;
  for (const MovementLine& line : lines) {
    units.emplace_back(UnitOfLocation(line.source.location));
    units.emplace_back(UnitOfLocation(line.destination.location));
  }
  std::ranges::sort(units);
  units.erase(std::unique(units.begin(), units.end()), units.end());
  return units;
}

// A reversal happened when its original did, so the record clock alone tells.
absl::Status ForgetLaterReversals(StockHistory& history, absl::Time deadline, const Moment& moment,
                                  std::vector<Movement>& movements) {
  std::vector<base::Uuid> reversals;
  for (const Movement& movement : movements) {
    if (movement.reversed_by.has_value()) reversals.push_back(*movement.reversed_by);
  }
  QM_ASSIGN_OR_RETURN(const std::vector<base::Uuid> known,
                      history.FindMovements(deadline, reversals, moment));
  for (Movement& movement : movements) {
    if (movement.reversed_by.has_value() &&
        std::ranges::find(known, *movement.reversed_by) == known.end()) {
      movement.reversed_by.reset();
    }
  }
  return absl::OkStatus();
}

}  // namespace quartermaster::inventory
