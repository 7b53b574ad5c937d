#include "inventory-svc/storage/mysql_line_books.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "inventory-svc/storage/history_rows.h"
#include "inventory-svc/storage/movement_rows.h"
#include "platform/base/status_macros.h"

namespace quartermaster::inventory {
namespace {

std::string ItemCondition(std::optional<ItemId> item) {
  return item.has_value() ? absl::StrCat("item_id = ", ToNumber(*item)) : std::string("TRUE");
}

// The lines of a span, by the index of its end. Literals, so that each is one range of it.
std::string SpanCondition(const LineSpan& span, absl::string_view lines) {
  std::string condition =
      absl::StrCat(lines, span.is_source ? ".source_balance_id = " : ".destination_balance_id = ",
                   ToNumber(span.balance));
  if (!span.after.is_nil()) {
    absl::StrAppend(&condition, " AND ", lines, ".movement_id > ", UuidLiteral(span.after));
  }
  if (span.through.has_value()) {
    absl::StrAppend(&condition, " AND ", lines, ".movement_id <= ", UuidLiteral(*span.through));
  }
  return condition;
}

const char* IndexOf(const LineSpan& span) {
  return span.is_source ? "ix_movement_lines_source" : "ix_movement_lines_destination";
}

std::vector<int64_t> Numbers(const std::vector<BalanceId>& balances) {
  std::vector<int64_t> ids;
  for (const BalanceId id : balances) ids.push_back(ToNumber(id));
  return ids;
}

}  // namespace

std::string BalancesBehindStatement(std::optional<ItemId> item, const BalancePlace& after,
                                    int limit) {
  const int64_t place = ToNumber(after.item);
  return absl::StrCat(
      "SELECT balance_id, item_id, state, quantity, last_record_time FROM balances FORCE INDEX "
      "(ix_balances_item) WHERE ",
      ItemCondition(item), " AND (item_id > ", place, " OR (item_id = ", place, " AND state > ",
      static_cast<int>(after.state), ") OR (item_id = ", place,
      " AND state = ", static_cast<int>(after.state), " AND balance_id > ", ToNumber(after.balance),
      ")) ORDER BY item_id, state, balance_id LIMIT ", limit);
}

std::string CutSpansStatement(const std::vector<LineSpan>& spans, int64_t limit) {
  int number = 0;
  return absl::StrJoin(spans, " UNION ALL ", [&](std::string* out, const LineSpan& span) {
    absl::StrAppend(out, "(SELECT ", number++,
                    ", COUNT(*), MAX(c.movement_id) FROM (SELECT l.movement_id FROM movement_lines "
                    "l FORCE INDEX (",
                    IndexOf(span), ") WHERE ", SpanCondition(span, "l"),
                    " ORDER BY l.movement_id LIMIT ", limit, ") c)");
  });
}

absl::StatusOr<std::string> SumLinesStatement(const std::vector<LineSpan>& spans,
                                              const Moment& moment) {
  QM_ASSIGN_OR_RETURN(const std::string within, WithinMoment("r", moment));
  std::string sql;
  for (size_t i = 0; i < spans.size(); ++i) {
    QM_ASSIGN_OR_RETURN(const std::string time, TimeLiteral(spans[i].last_record_time));
    // A line whose record is gone counts for what the balance holds, so that the difference shows.
    absl::StrAppend(&sql, i == 0 ? "" : " UNION ALL ", "(SELECT ", i,
                    ", COUNT(*), SUM(IF(COALESCE(r.record_time <= ", time,
                    ", TRUE), l.quantity, 0)), SUM(IF(", within,
                    ", l.quantity, 0)) FROM movement_lines l FORCE INDEX (", IndexOf(spans[i]),
                    ") LEFT JOIN records r ON r.record_id = l.movement_id WHERE ",
                    SpanCondition(spans[i], "l"), ")");
  }
  return sql;
}

absl::StatusOr<int64_t> MysqlLineBooks::CountBalances(absl::Time deadline,
                                                      std::optional<ItemId> item) {
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reports_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows rows,
      connection->Query(absl::StrCat("SELECT COUNT(*) FROM balances WHERE ", ItemCondition(item))));
  return rows[0].Int64(0);
}

absl::StatusOr<std::vector<StandingBalance>> MysqlLineBooks::ListBalances(
    absl::Time deadline, std::optional<ItemId> item, const BalancePlace& after, int limit) {
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reports_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                      connection->Query(BalancesBehindStatement(item, after, limit)));
  std::vector<StandingBalance> balances;
  for (const mysql::Row row : rows) {
    balances.push_back({.id = BalanceId{static_cast<uint32_t>(row.Int64(0))},
                        .item = ItemId{static_cast<uint32_t>(row.Int64(1))},
                        .state = static_cast<State>(row.Int64(2)),
                        .quantity = row.Int64(3),
                        .last_record_time = row.Time(4)});
  }
  return balances;
}

absl::StatusOr<std::vector<SpanCut>> MysqlLineBooks::CutSpans(absl::Time deadline,
                                                              const std::vector<LineSpan>& spans,
                                                              int64_t limit) {
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reports_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows, connection->Query(CutSpansStatement(spans, limit)));
  std::vector<SpanCut> cuts(spans.size());
  for (const mysql::Row row : rows) {
    SpanCut& cut = cuts[static_cast<size_t>(row.Int64(0))];
    cut.line_count = row.Int64(1);
    if (!row.IsNull(2)) cut.last = base::Uuid::FromBytes(row.String(2)).value_or(base::Uuid());
  }
  return cuts;
}

absl::StatusOr<std::vector<LineSum>> MysqlLineBooks::SumLines(absl::Time deadline,
                                                              const std::vector<LineSpan>& spans,
                                                              const Moment& moment) {
  QM_ASSIGN_OR_RETURN(const std::string sql, SumLinesStatement(spans, moment));
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reports_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows, connection->Query(sql));
  std::vector<LineSum> sums(spans.size());
  for (const mysql::Row row : rows) {
    sums[static_cast<size_t>(row.Int64(0))] = {.line_count = row.Int64(1),
                                               .standing = ReadDecimal(row, 2),
                                               .at_moment = ReadDecimal(row, 3)};
  }
  return sums;
}

absl::StatusOr<std::vector<absl::int128>> MysqlLineBooks::ReadHistory(
    absl::Time deadline, const std::vector<BalanceId>& balances, const Moment& moment) {
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reports_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  using Quantities = std::map<int64_t, absl::int128>;
  QM_ASSIGN_OR_RETURN(const Quantities held, ReadHeld(*connection, Numbers(balances), moment));
  std::vector<absl::int128> quantities;
  for (const BalanceId id : balances) {
    const auto quantity = held.find(ToNumber(id));
    quantities.push_back(quantity == held.end() ? absl::int128(0) : quantity->second);
  }
  return quantities;
}

absl::StatusOr<std::vector<BalanceRow>> MysqlLineBooks::NameBalances(
    absl::Time deadline, const std::vector<BalanceId>& balances) {
  std::vector<BalanceRow> named;
  if (balances.empty()) return named;
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reports_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows rows,
      connection->Query(absl::StrCat(
          "SELECT ", kBalanceRowColumns,
          " FROM balances "
          "b JOIN locations l ON l.location_id = b.location_id JOIN lots t ON t.lot_id = b.lot_id "
          "JOIN items i ON i.item_id = b.item_id WHERE b.balance_id IN (",
          absl::StrJoin(Numbers(balances), ","), ")")));
  std::map<int64_t, BalanceRow> found;
  for (const mysql::Row row : rows) found[row.Int64(0)] = ReadBalanceRow(row, 0);
  for (const BalanceId id : balances) {
    const auto row = found.find(ToNumber(id));
    named.push_back(row == found.end() ? BalanceRow{.id = id} : row->second);
  }
  return named;
}

}  // namespace quartermaster::inventory
