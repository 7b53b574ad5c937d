#include "inventory-svc/storage/mysql_stock_queries.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "inventory-svc/storage/held_lots.h"
#include "inventory-svc/storage/history_rows.h"
#include "inventory-svc/storage/lot_rows.h"
#include "inventory-svc/storage/movement_rows.h"
#include "inventory-svc/storage/newest_of_units.h"
#include "inventory-svc/storage/number_list.h"
#include "inventory-svc/storage/stock_sums.h"
#include "inventory-svc/storage/sums.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/transaction.h"

namespace quartermaster::inventory {
namespace {

// Units whose balances one statement sums up.
constexpr size_t kUnitsPerStatement = 100;

}  // namespace

absl::StatusOr<MovementPage> MysqlStockQueries::ListMovements(absl::Time deadline,
                                                              const MovementQuery& query) {
  MovementPage page;
  if (query.units.empty()) return page;
  std::string of_moment;
  if (query.moment.has_value()) {
    QM_ASSIGN_OR_RETURN(const std::string within, WithinMoment("r", *query.moment));
    // Begins where the prefix does, as far as ids tell: clocks differ.
    of_moment = absl::StrCat(" AND s.movement_id <= ", UuidLiteral(query.moment->record_id_max),
                             " AND EXISTS (SELECT 1 FROM records r WHERE r.record_id = "
                             "s.movement_id AND ",
                             within, ")");
  }
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reads_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  QM_ASSIGN_OR_RETURN(const std::vector<base::Uuid> newest,
                      FindNewestOfUnits(*connection, {.table = "movement_scopes",
                                                      .id_column = "movement_id",
                                                      .item = query.item,
                                                      .item_index = "ix_movement_scopes_item",
                                                      .units = query.units,
                                                      .before = query.before,
                                                      .limit = query.limit + 1,
                                                      .condition = of_moment}));
  if (newest.empty()) return page;
  std::vector<std::string> ids;
  for (const base::Uuid& id : newest) ids.push_back(UuidLiteral(id));
  QM_ASSIGN_OR_RETURN(const size_t fitting,
                      CountFitting(*connection, ids, static_cast<size_t>(query.limit)));
  page.has_more = ids.size() > fitting;
  ids.resize(fitting);
  QM_ASSIGN_OR_RETURN(std::vector<EarlierMovement> found,
                      ReadMovements(*connection,
                                    absl::StrCat("m.movement_id IN (", absl::StrJoin(ids, ","),
                                                 ") ORDER BY m.movement_id DESC"),
                                    {}));
  for (EarlierMovement& earlier : found) page.movements.push_back(std::move(earlier.movement));
  return page;
}

absl::StatusOr<std::vector<BalanceRow>> MysqlStockQueries::ListBalances(absl::Time deadline,
                                                                        const BalanceQuery& query) {
  std::vector<BalanceRow> balances;
  if (query.units.empty()) return balances;
  std::string sql = absl::StrCat(
      "SELECT b.balance_id, l.name, b.state, b.holder, i.name, t.name, b.quantity, b.item_id "
      "FROM balances b JOIN locations l ON l.location_id = b.location_id "
      "JOIN lots t ON t.lot_id = b.lot_id JOIN items i ON i.item_id = b.item_id "
      "WHERE b.quantity <> 0 AND b.balance_id > ",
      ToNumber(query.after), " AND b.unit_id IN (", NumberList(query.units), ")");
  if (query.item.has_value()) absl::StrAppend(&sql, " AND b.item_id = ", ToNumber(*query.item));
  if (query.lot.has_value()) absl::StrAppend(&sql, " AND b.lot_id = ", ToNumber(*query.lot));
  if (query.state.has_value()) {
    absl::StrAppend(&sql, " AND b.state = ", static_cast<int>(*query.state));
  } else {
    absl::StrAppend(&sql, " AND b.state < 16");
  }
  absl::StrAppend(&sql, " ORDER BY b.balance_id LIMIT ", query.limit);
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reads_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows, connection->Query(sql));
  for (const mysql::Row row : rows) {
    balances.push_back(
        {.id = BalanceId{static_cast<uint32_t>(row.Int64(0))},
         .account = {.location = row.String(1),
                     .state = static_cast<State>(row.Int64(2)),
                     .holder = base::Uuid::FromBytes(row.String(3)).value_or(base::Uuid{})},
         .lot = absl::StrCat(row.String(4), "/lots/", row.String(5)),
         .quantity = row.Int64(6),
         .item = ItemId{static_cast<uint32_t>(row.Int64(7))}});
  }
  return balances;
}

absl::StatusOr<std::vector<LotRow>> MysqlStockQueries::ListLots(absl::Time deadline,
                                                                const LotQuery& query) {
  if (query.units.empty()) return std::vector<LotRow>();
  const std::string units = NumberList(query.units);
  std::string condition = absl::StrCat(
      "t.item_id = ", ToNumber(query.item), " AND (t.owner_unit_id IN (", units,
      ") OR EXISTS (SELECT 1 FROM balances b WHERE b.lot_id = t.lot_id AND ", HeldBy(units), "))");
  std::vector<mysql::Value> params;
  if (!query.after_name.empty()) {
    absl::StrAppend(&condition,
                    " AND (COALESCE(t.expiry_date, '9999-12-31') > ? OR "
                    "(COALESCE(t.expiry_date, '9999-12-31') = ? AND t.name > ?))");
    const std::string expiry = query.after_expiry.empty() ? "9999-12-31" : query.after_expiry;
    params = {expiry, expiry, query.after_name};
  }
  absl::StrAppend(&condition, " ORDER BY COALESCE(t.expiry_date, '9999-12-31'), t.name LIMIT ",
                  query.limit);
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reads_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  return ReadLots(*connection, condition, std::move(params));
}

absl::StatusOr<std::vector<LotAmount>> MysqlStockQueries::ListLotAmounts(
    absl::Time deadline, const LotAmountQuery& query) {
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reads_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows rows,
      connection->Query(
          "SELECT CONCAT(i.name, '/lots/', t.name), COALESCE(t.expiry_date, ''), t.create_time, "
          "b.state, SUM(b.quantity) FROM balances b JOIN lots t ON t.lot_id = b.lot_id JOIN items "
          "i ON i.item_id = t.item_id WHERE b.location_id = ? AND b.item_id = ? AND b.state < 16 "
          "AND b.quantity > 0 GROUP BY i.name, t.name, t.expiry_date, t.create_time, b.state ORDER "
          "BY COALESCE(t.expiry_date, '9999-12-31') < ?, COALESCE(t.expiry_date, '9999-12-31'), "
          "t.create_time, t.name LIMIT ?",
          {ToNumber(query.location), ToNumber(query.item), query.good_until,
           int64_t{query.limit}}));
  std::vector<LotAmount> amounts;
  for (const mysql::Row row : rows) {
    amounts.push_back(
        {.lot = {.name = row.String(0), .expiry_date = row.String(1), .create_time = row.Time(2)},
         .state = static_cast<State>(row.Int64(3)),
         .quantity = ReadSum(row, 4)});
  }
  return amounts;
}

// The balances are added up here, because the server takes as long again for it as for reading
// them, and all of one group of units at a time, because so many fit into memory. Balances come
// first and then the lot of each, by its key: left to itself MariaDB begins with the lots, of which
// there are few at first, and looks up every balance there ever was of each.
absl::StatusOr<std::vector<StockLine>> MysqlStockQueries::SumStock(
    absl::Time deadline, const std::vector<UnitId>& units, const std::string& expiring_before) {
  StockSums sums;
  if (units.empty()) return sums.Lines();
  const auto add_units = [&](mysql::Connection& connection, size_t first) -> absl::Status {
    const std::vector<UnitId> group(
        units.begin() + first, units.begin() + std::min(units.size(), first + kUnitsPerStatement));
    QM_ASSIGN_OR_RETURN(
        const mysql::Rows rows,
        connection.Query(
            absl::StrCat("SELECT b.unit_id, b.item_id, b.state, COALESCE(t.expiry_date < ?, 0), "
                         "b.quantity FROM balances b STRAIGHT_JOIN lots t ON t.lot_id = b.lot_id "
                         "WHERE b.state < 16 AND b.quantity <> 0 AND b.unit_id IN (",
                         NumberList(group), ")"),
            {expiring_before}));
    for (const mysql::Row row : rows) {
      sums.Add(UnitId{static_cast<uint16_t>(row.Int64(0))},
               ItemId{static_cast<uint32_t>(row.Int64(1))}, static_cast<State>(row.Int64(2)),
               row.Int64(3) != 0, row.Int64(4));
    }
    return absl::OkStatus();
  };
  const absl::Status summed =
      mysql::InSnapshot(reports_, deadline, [&](mysql::Connection& connection) {
        absl::Status status;
        for (size_t first = 0; first < units.size() && status.ok(); first += kUnitsPerStatement) {
          status = add_units(connection, first);
        }
        return status;
      });
  if (!summed.ok()) return summed;
  return sums.Lines();
}

absl::StatusOr<std::vector<ConservationProof>> MysqlStockQueries::ProveConservation(
    absl::Time deadline, std::optional<ItemId> item) {
  std::string sql =
      "SELECT item_id, SUM(IF(state < 16, quantity, 0)), SUM(IF(state < 16, 0, quantity)), "
      "SUM(quantity), COUNT(*), SUM(state < 16 AND quantity < 0) FROM balances";
  if (item.has_value()) absl::StrAppend(&sql, " WHERE item_id = ", ToNumber(*item));
  absl::StrAppend(&sql, " GROUP BY item_id");
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reports_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows, connection->Query(sql));
  std::vector<ConservationProof> proofs;
  for (const mysql::Row row : rows) {
    proofs.push_back({.item = ItemId{static_cast<uint32_t>(row.Int64(0))},
                      .inside_quantity = ReadSum(row, 1),
                      .outside_quantity = ReadSum(row, 2),
                      .difference = ReadSum(row, 3),
                      .balance_count = row.Int64(4),
                      .negative_count = row.Int64(5)});
  }
  return proofs;
}

}  // namespace quartermaster::inventory
