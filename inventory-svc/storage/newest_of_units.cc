#include "inventory-svc/storage/newest_of_units.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "inventory-svc/storage/movement_rows.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"

namespace quartermaster::inventory {
namespace {

// So few are read without asking for each one's newest first.
constexpr size_t kFewUnits = 8;

base::Uuid ReadId(mysql::Row row, size_t column) {
  const std::optional<base::Uuid> id = base::Uuid::FromBytes(row.String(column));
  QM_CHECK(id.has_value());
  return *id;
}

// The rows of one unit from `from` on, newest first. The index is named: by the wrong one the
// newest of a rare item would be looked for through all that the unit ever moved.
std::string RowsOf(const NewestQuery& query, absl::string_view unit, const base::Uuid& from) {
  std::string sql = absl::StrCat(" FROM ", query.table, " s FORCE INDEX (",
                                 query.item.has_value() ? query.item_index : "PRIMARY",
                                 ") WHERE s.unit_id = ", unit);
  if (query.item.has_value()) absl::StrAppend(&sql, " AND s.item_id = ", ToNumber(*query.item));
  if (!query.before.is_nil()) {
    absl::StrAppend(&sql, " AND s.", query.id_column, " < ", UuidLiteral(query.before));
  }
  if (!from.is_nil()) {
    absl::StrAppend(&sql, " AND s.", query.id_column, " >= ", UuidLiteral(from));
  }
  return absl::StrCat(sql, query.condition);
}

// What is left to read: units, and the oldest id that can be on the page.
struct Rest {
  std::vector<UnitId> units;
  base::Uuid from;
};

// Leaves out units whose newest is older than as many others as the page holds.
absl::StatusOr<Rest> LeaveOutOldUnits(mysql::Connection& connection, const NewestQuery& query) {
  // Each unit by a look of its own: one statement over all of them would read, of every unit, all
  // that is newer than the page.
  std::vector<std::string> looks;
  for (const UnitId unit : query.units) {
    const std::string number = absl::StrCat(ToNumber(unit));
    looks.push_back(absl::StrCat("(SELECT ", number, ", s.", query.id_column,
                                 RowsOf(query, number, base::Uuid()), " ORDER BY s.",
                                 query.id_column, " DESC LIMIT 1)"));
  }
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                      connection.Query(absl::StrJoin(looks, " UNION ALL ")));
  std::vector<std::pair<base::Uuid, UnitId>> newest;
  std::vector<base::Uuid> ids;
  for (const mysql::Row row : rows) {
    newest.emplace_back(ReadId(row, 1), UnitId{static_cast<uint16_t>(row.Int64(0))});
    ids.push_back(newest.back().first);
  }
  // What touches several units counts once.
  std::ranges::sort(ids, std::ranges::greater());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  Rest rest;
  if (ids.size() >= static_cast<size_t>(query.limit)) rest.from = ids[query.limit - 1];
  for (const auto& [id, unit] : newest) {
    if (id >= rest.from) rest.units.push_back(unit);
  }
  return rest;
}

}  // namespace

absl::StatusOr<std::vector<base::Uuid>> FindNewestOfUnits(mysql::Connection& connection,
                                                          const NewestQuery& query) {
  std::vector<base::Uuid> ids;
  Rest rest{.units = query.units};
  if (query.units.size() > kFewUnits) {
    QM_ASSIGN_OR_RETURN(rest, LeaveOutOldUnits(connection, query));
  }
  if (rest.units.empty()) return ids;
  std::vector<std::string> parts;
  for (const UnitId unit : rest.units) {
    parts.push_back(absl::StrCat("(SELECT DISTINCT s.", query.id_column, " AS id",
                                 RowsOf(query, absl::StrCat(ToNumber(unit)), rest.from),
                                 " ORDER BY s.", query.id_column, " DESC LIMIT ", query.limit,
                                 ")"));
  }
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                      connection.Query(absl::StrCat(absl::StrJoin(parts, " UNION "),
                                                    " ORDER BY id DESC LIMIT ", query.limit)));
  for (const mysql::Row row : rows) ids.push_back(ReadId(row, 0));
  return ids;
}

}  // namespace quartermaster::inventory
