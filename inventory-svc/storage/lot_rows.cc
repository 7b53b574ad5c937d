#include "inventory-svc/storage/lot_rows.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/base/status_macros.h"

namespace quartermaster::inventory {

absl::StatusOr<std::vector<LotRow>> ReadLots(mysql::Connection& connection,
                                             absl::string_view condition,
                                             std::vector<mysql::Value> params) {
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows rows,
      connection.Query(
          absl::StrCat("SELECT t.lot_id, i.name, t.name, t.origin, t.origin_reference, u.name, "
                       "COALESCE(DATE_FORMAT(t.expiry_date, '%Y-%m-%d'), ''), t.create_time "
                       "FROM lots t JOIN items i ON i.item_id = t.item_id "
                       "JOIN units u ON u.unit_id = t.owner_unit_id WHERE ",
                       condition),
          std::move(params)));
  std::vector<LotRow> lots;
  for (const mysql::Row row : rows) {
    lots.push_back({.id = LotId{static_cast<uint32_t>(row.Int64(0))},
                    .lot = {.name = absl::StrCat(row.String(1), "/lots/", row.String(2)),
                            .origin = static_cast<Lot::Origin>(row.Int64(3)),
                            .origin_reference = row.String(4),
                            .owner = row.String(5),
                            .expiry_date = row.String(6),
                            .create_time = row.Time(7)}});
  }
  return lots;
}

}  // namespace quartermaster::inventory
