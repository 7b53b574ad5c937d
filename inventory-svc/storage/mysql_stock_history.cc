#include "inventory-svc/storage/mysql_stock_history.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "inventory-svc/storage/history_rows.h"
#include "inventory-svc/storage/movement_rows.h"
#include "inventory-svc/storage/number_list.h"
#include "inventory-svc/storage/stock_sums.h"
#include "platform/base/status_macros.h"
#include "platform/values/exact.h"

namespace quartermaster::inventory {
namespace {

// Balances that are looked up by one statement.
constexpr size_t kBalancesPerStatement = 400;

using Quantities = std::map<int64_t, absl::int128>;

// The balances that a query is about, whatever they held.
std::string CandidatesSql(const BalanceQuery& query, BalanceId after) {
  std::string sql = absl::StrCat(
      "SELECT ", kBalanceRowColumns,
      " FROM balances b "
      "JOIN locations l ON l.location_id = b.location_id JOIN lots t ON t.lot_id = b.lot_id JOIN "
      "items i ON i.item_id = b.item_id WHERE b.balance_id > ",
      ToNumber(after), " AND b.unit_id IN (", NumberList(query.units), ")");
  if (query.item.has_value()) absl::StrAppend(&sql, " AND b.item_id = ", ToNumber(*query.item));
  if (query.lot.has_value()) absl::StrAppend(&sql, " AND b.lot_id = ", ToNumber(*query.lot));
  if (query.state.has_value()) {
    absl::StrAppend(&sql, " AND b.state = ", static_cast<int>(*query.state));
  } else {
    absl::StrAppend(&sql, " AND b.state < 16");
  }
  absl::StrAppend(&sql, " ORDER BY b.balance_id LIMIT ", kBalancesPerStatement);
  return sql;
}

}  // namespace

// Once `closed_time` has passed a time, the steps and records that answer for it never change.
absl::StatusOr<Moment> MysqlStockHistory::FindMoment(absl::Time deadline, const AsOf& as_of) {
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reads_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  Moment moment{.occurred_time = as_of.occurred_time, .closed_time = absl::UnixEpoch()};
  QM_ASSIGN_OR_RETURN(const mysql::Rows progress,
                      connection->Query("SELECT sequence, closed_time FROM history_progress WHERE "
                                        "history_id = 1"));
  if (!progress.empty()) moment.closed_time = progress[0].Time(1);
  const absl::Time record_time = as_of.record_time.value_or(absl::FromUnixSeconds(253402300799));
  if (as_of.record_time.has_value() && record_time > moment.closed_time) {
    return NotSealedYet(record_time, moment.closed_time);
  }
  if (progress.empty()) return moment;
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows steps,
      connection->Query("SELECT first_sequence, last_sequence, record_id_max FROM history_steps "
                        "WHERE floor_time <= ? ORDER BY floor_time DESC, first_sequence DESC LIMIT "
                        "1",
                        {record_time}));
  if (steps.empty()) return moment;
  moment.record_id_max = base::Uuid::FromBytes(steps[0].String(2)).value_or(base::Uuid());
  moment.sequence = static_cast<int64_t>(steps[0].Uint64(1));
  if (!as_of.record_time.has_value()) return moment;
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows later,
      connection->Query("SELECT sequence FROM records FORCE INDEX (uk_records_sequence) WHERE "
                        "sequence BETWEEN ? AND ? AND record_time > ? ORDER BY sequence LIMIT 1",
                        {static_cast<int64_t>(steps[0].Uint64(0)), moment.sequence, record_time}));
  if (!later.empty()) moment.sequence = static_cast<int64_t>(later[0].Uint64(0)) - 1;
  return moment;
}

absl::StatusOr<std::vector<BalanceRow>> MysqlStockHistory::ListBalances(absl::Time deadline,
                                                                        const BalanceQuery& query,
                                                                        const Moment& moment) {
  std::vector<BalanceRow> balances;
  if (query.units.empty()) return balances;
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reads_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  BalanceId after = query.after;
  while (true) {
    QM_ASSIGN_OR_RETURN(const mysql::Rows rows, connection->Query(CandidatesSql(query, after)));
    std::vector<int64_t> ids;
    for (const mysql::Row row : rows) ids.push_back(row.Int64(0));
    QM_ASSIGN_OR_RETURN(const Quantities quantities, ReadHeld(*connection, ids, moment));
    for (const mysql::Row row : rows) {
      const auto quantity = quantities.find(row.Int64(0));
      if (quantity == quantities.end() || quantity->second == 0) continue;
      balances.push_back(ReadBalanceRow(row, values::Saturate(quantity->second)));
      if (balances.size() == static_cast<size_t>(query.limit)) return balances;
    }
    if (rows.size() < kBalancesPerStatement) return balances;
    after = BalanceId{static_cast<uint32_t>(ids.back())};
  }
}

absl::StatusOr<std::vector<StockLine>> MysqlStockHistory::SumStock(
    absl::Time deadline, const std::vector<UnitId>& units, const std::string& expiring_before,
    const Moment& moment) {
  StockSums sums;
  if (units.empty()) return sums.Lines();
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reports_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  for (int64_t after = 0;;) {
    QM_ASSIGN_OR_RETURN(
        const mysql::Rows rows,
        connection->Query(
            absl::StrCat("SELECT b.balance_id, b.unit_id, b.item_id, b.state, "
                         "COALESCE(t.expiry_date < ?, 0) FROM balances b JOIN lots t ON t.lot_id = "
                         "b.lot_id WHERE b.state < 16 AND b.balance_id > ? AND b.unit_id IN (",
                         NumberList(units), ") ORDER BY b.balance_id LIMIT ",
                         kBalancesPerStatement),
            {expiring_before, after}));
    std::vector<int64_t> ids;
    for (const mysql::Row row : rows) ids.push_back(row.Int64(0));
    QM_ASSIGN_OR_RETURN(const Quantities quantities, ReadHeld(*connection, ids, moment));
    for (const mysql::Row row : rows) {
      const auto quantity = quantities.find(row.Int64(0));
      if (quantity == quantities.end() || quantity->second == 0) continue;
      sums.Add(UnitId{static_cast<uint16_t>(row.Int64(1))},
               ItemId{static_cast<uint32_t>(row.Int64(2))}, static_cast<State>(row.Int64(3)),
               row.Int64(4) != 0, quantity->second);
    }
    if (rows.size() < kBalancesPerStatement) break;
    after = ids.back();
  }
  return sums.Lines();
}

absl::StatusOr<std::vector<base::Uuid>> MysqlStockHistory::FindMovements(
    absl::Time deadline, const std::vector<base::Uuid>& movement_ids, const Moment& moment) {
  std::vector<base::Uuid> found;
  if (movement_ids.empty()) return found;
  QM_ASSIGN_OR_RETURN(const std::string within, WithinMoment("r", moment));
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reads_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows rows,
      connection->Query(absl::StrCat("SELECT r.record_id FROM records r WHERE r.record_id IN (",
                                     absl::StrJoin(movement_ids, ",",
                                                   [](std::string* out, const base::Uuid& id) {
                                                     absl::StrAppend(out, UuidLiteral(id));
                                                   }),
                                     ") AND ", within)));
  for (const mysql::Row row : rows) {
    found.push_back(base::Uuid::FromBytes(row.String(0)).value_or(base::Uuid()));
  }
  return found;
}

}  // namespace quartermaster::inventory
