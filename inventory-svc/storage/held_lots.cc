#include "inventory-svc/storage/held_lots.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "inventory-svc/storage/number_list.h"
#include "platform/base/status_macros.h"

namespace quartermaster::inventory {

bool HeldLots::Find(LotId lot, const std::vector<UnitId>& units) const {
  base::MutexLock lock(&mutex_);
  const auto known = units_.find(lot);
  return known != units_.end() && std::ranges::any_of(units, [&](UnitId unit) {
           return std::ranges::find(known->second, unit) != known->second.end();
         });
}

void HeldLots::Insert(LotId lot, UnitId unit) {
  base::MutexLock lock(&mutex_);
  if (count_ >= count_max_) {
    units_.clear();
    count_ = 0;
  }
  std::vector<UnitId>& known = units_[lot];
  if (std::ranges::find(known, unit) != known.end()) return;
  known.push_back(unit);
  ++count_;
}

std::string HeldBy(absl::string_view units) {
  return absl::StrCat("state < 16 AND last_record_time > '1970-01-01' AND unit_id IN (", units,
                      ")");
}

absl::StatusOr<std::optional<UnitId>> FindHolder(mysql::Connection& connection, LotId lot,
                                                 const std::vector<UnitId>& units) {
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows rows,
      connection.Query(absl::StrCat("SELECT unit_id FROM balances WHERE lot_id = ? AND ",
                                    HeldBy(NumberList(units)), " LIMIT 1"),
                       {ToNumber(lot)}));
  if (rows.empty()) return std::nullopt;
  return UnitId{static_cast<uint16_t>(rows[0].Int64(0))};
}

}  // namespace quartermaster::inventory
