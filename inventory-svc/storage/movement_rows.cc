#include "inventory-svc/storage/movement_rows.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"

namespace quartermaster::inventory {
namespace {

// Lines of all movements of a page together: what a page takes in memory, and what of it fits into
// one message.
constexpr int64_t kLinesPerPageMax = 5000;

// `r` finds the one reversal by its unique key.
constexpr char kMovementColumns[] =
    "SELECT m.movement_id, m.reason, m.occurred_time, m.record_time, m.caller, m.source_issuer, "
    "m.source_number, m.source_line, n.text, m.reverses_movement_id, r.movement_id, m.document_id, "
    "m.content_hash, m.request_id FROM movements m LEFT JOIN notes n ON n.movement_id = "
    "m.movement_id "
    "LEFT JOIN movements r ON r.reverses_movement_id = m.movement_id WHERE ";

constexpr char kLineColumns[] =
    "SELECT l.movement_id, i.name, t.name, s.name, sb.state, sb.holder, d.name, db.state, "
    "db.holder, "
    "l.written_amount, l.written_unit, l.quantity FROM movement_lines l "
    "JOIN lots t ON t.lot_id = l.lot_id JOIN items i ON i.item_id = t.item_id "
    "JOIN balances sb ON sb.balance_id = l.source_balance_id "
    "JOIN locations s ON s.location_id = sb.location_id "
    "JOIN balances db ON db.balance_id = l.destination_balance_id "
    "JOIN locations d ON d.location_id = db.location_id WHERE l.movement_id IN (";

base::Uuid UuidAt(mysql::Row row, size_t column) {
  const std::optional<base::Uuid> uuid = base::Uuid::FromBytes(row.String(column));
  QM_CHECK(uuid.has_value());
  return *uuid;
}

std::optional<base::Uuid> OptionalUuidAt(mysql::Row row, size_t column) {
  if (row.IsNull(column)) return std::nullopt;
  return UuidAt(row, column);
}

EarlierMovement ReadHead(mysql::Row row) {
  EarlierMovement earlier;
  Movement& movement = earlier.movement;
  movement.movement_id = UuidAt(row, 0);
  movement.reason = static_cast<Reason>(row.Int64(1));
  movement.occurred_time = row.Time(2);
  movement.record_time = row.Time(3);
  movement.caller = row.String(4);
  if (!row.IsNull(5)) {
    movement.source_document = SourceDocument{.issuer = row.String(5),
                                              .number = row.String(6),
                                              .line = static_cast<int32_t>(row.Int64(7))};
  }
  if (!row.IsNull(8)) movement.note = row.String(8);
  movement.reverses = OptionalUuidAt(row, 9);
  movement.reversed_by = OptionalUuidAt(row, 10);
  movement.document = OptionalUuidAt(row, 11);
  const std::string& hash = row.String(12);
  QM_CHECK(hash.size() == earlier.content_hash.size());
  std::copy(hash.begin(), hash.end(), earlier.content_hash.begin());
  if (!row.IsNull(13)) earlier.request_id = UuidAt(row, 13);
  return earlier;
}

MovementLine ReadLine(mysql::Row row) {
  return {.lot = absl::StrCat(row.String(1), "/lots/", row.String(2)),
          .source = {.location = row.String(3),
                     .state = static_cast<State>(row.Int64(4)),
                     .holder = UuidAt(row, 5)},
          .destination = {.location = row.String(6),
                          .state = static_cast<State>(row.Int64(7)),
                          .holder = UuidAt(row, 8)},
          .quantity = {.amount = row.Int64(9), .unit = row.String(10)},
          .base_quantity = row.Int64(11)};
}

}  // namespace

std::string UuidLiteral(const base::Uuid& uuid) {
  return absl::StrCat("x'", base::ToHex(uuid.ToBytes()), "'");
}

absl::StatusOr<std::vector<EarlierMovement>> ReadMovements(mysql::Connection& connection,
                                                           absl::string_view condition,
                                                           std::vector<mysql::Value> params) {
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows heads,
      connection.Query(absl::StrCat(kMovementColumns, condition), std::move(params)));
  std::vector<EarlierMovement> movements;
  absl::flat_hash_map<base::Uuid, size_t> places;
  std::vector<std::string> ids;
  for (const mysql::Row row : heads) {
    movements.push_back(ReadHead(row));
    places[movements.back().movement.movement_id] = movements.size() - 1;
    ids.push_back(UuidLiteral(movements.back().movement.movement_id));
  }
  if (movements.empty()) return movements;
  QM_ASSIGN_OR_RETURN(const mysql::Rows lines,
                      connection.Query(absl::StrCat(kLineColumns, absl::StrJoin(ids, ","),
                                                    ") ORDER BY l.movement_id, l.line")));
  for (const mysql::Row row : lines) {
    movements[places[UuidAt(row, 0)]].movement.lines.push_back(ReadLine(row));
  }
  return movements;
}

absl::StatusOr<size_t> CountFitting(mysql::Connection& connection,
                                    const std::vector<std::string>& ids, size_t limit) {
  if (ids.empty()) return 0;
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows rows,
      connection.Query(
          absl::StrCat("SELECT movement_id, MAX(line) FROM movement_lines WHERE movement_id IN (",
                       absl::StrJoin(ids, ","), ") GROUP BY movement_id")));
  absl::flat_hash_map<std::string, int64_t> line_counts;
  for (const mysql::Row row : rows) line_counts[UuidLiteral(UuidAt(row, 0))] = row.Int64(1);
  int64_t line_count = 0;
  size_t fitting = 0;
  for (const std::string& id : ids) {
    line_count += line_counts[id];
    if (fitting == limit || (fitting > 0 && line_count > kLinesPerPageMax)) break;
    ++fitting;
  }
  return fitting;
}

}  // namespace quartermaster::inventory
