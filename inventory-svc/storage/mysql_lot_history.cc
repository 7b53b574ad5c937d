#include "inventory-svc/storage/mysql_lot_history.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "inventory-svc/storage/history_rows.h"
#include "inventory-svc/storage/movement_rows.h"
#include "inventory-svc/storage/number_list.h"
#include "inventory-svc/storage/sums.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"
#include "platform/values/exact.h"

namespace quartermaster::inventory {
namespace {

// Balances that one statement asks for records: few, since each may answer with a whole page.
constexpr size_t kWalkedPerStatement = 50;
// Balances that are looked up by one statement.
constexpr size_t kBalancesPerStatement = 400;

// The records that a page begins with, in its order. Every balance is asked for its next ones; what
// was found bounds what is asked of the others.
absl::StatusOr<std::vector<int64_t>> FindRecords(mysql::Connection& connection,
                                                 const LotMovementQuery& query,
                                                 const Moment& moment, int limit) {
  const auto comes_before = [&](int64_t a, int64_t b) {
    return query.is_newest_first ? a > b : a < b;
  };
  std::set<int64_t, std::function<bool(int64_t, int64_t)>> found(comes_before);
  QM_ASSIGN_OR_RETURN(const mysql::Rows balances,
                      connection.Query(LotBalancesStatement(query.lot, query.units)));
  for (size_t at = 0; at < balances.size(); at += kWalkedPerStatement) {
    std::vector<int64_t> ids;
    for (size_t i = at; i < std::min(at + kWalkedPerStatement, balances.size()); ++i) {
      ids.push_back(balances[i].Int64(0));
    }
    const bool is_full = found.size() == static_cast<size_t>(limit);
    QM_ASSIGN_OR_RETURN(
        const std::string sql,
        NextRecordsStatement(ids, query, moment,
                             is_full ? std::optional(*found.rbegin()) : std::nullopt, limit));
    QM_ASSIGN_OR_RETURN(const mysql::Rows rows, connection.Query(sql));
    for (const mysql::Row row : rows) {
      found.insert(static_cast<int64_t>(row.Uint64(0)));
      if (found.size() > static_cast<size_t>(limit)) found.erase(std::prev(found.end()));
    }
  }
  return std::vector<int64_t>(found.begin(), found.end());
}

// The ids of the movements of `sequences`, as literals, in the same order.
absl::StatusOr<std::vector<std::string>> FindMovementIds(mysql::Connection& connection,
                                                         const std::vector<int64_t>& sequences) {
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                      connection.Query(MovementsOfRecordsStatement(sequences)));
  absl::flat_hash_map<int64_t, std::string> ids;
  for (const mysql::Row row : rows) {
    ids[static_cast<int64_t>(row.Uint64(0))] =
        UuidLiteral(base::Uuid::FromBytes(row.String(1)).value_or(base::Uuid()));
  }
  std::vector<std::string> ordered;
  for (const int64_t sequence : sequences) {
    const auto found = ids.find(sequence);
    if (found == ids.end()) return status::Internal(absl::StrCat("record ", sequence, " is gone"));
    ordered.push_back(found->second);
  }
  return ordered;
}

}  // namespace

std::string LotBalancesStatement(LotId lot, const std::vector<UnitId>& units) {
  return absl::StrCat(
      "SELECT balance_id FROM balances FORCE INDEX (ix_balances_lot_unit) WHERE lot_id = ",
      ToNumber(lot), " AND unit_id IN (", NumberList(units), ")");
}

absl::StatusOr<std::string> NextRecordsStatement(const std::vector<int64_t>& balance_ids,
                                                 const LotMovementQuery& query,
                                                 const Moment& moment, std::optional<int64_t> bound,
                                                 int limit) {
  // Both bounds included.
  int64_t first = 1;
  int64_t last = moment.sequence;
  if (query.is_newest_first) {
    if (query.after_sequence.has_value()) last = std::min(last, *query.after_sequence - 1);
    first = bound.value_or(first);
  } else {
    if (query.after_sequence.has_value()) first = *query.after_sequence + 1;
    last = std::min(last, bound.value_or(last));
  }
  std::string occurred;
  if (moment.occurred_time.has_value()) {
    QM_ASSIGN_OR_RETURN(const std::string time, TimeLiteral(*moment.occurred_time));
    occurred = absl::StrCat(" AND occurred_time <= ", time);
  }
  const char* const order = query.is_newest_first ? "DESC" : "ASC";
  return absl::StrJoin(balance_ids, " UNION ALL ", [&](std::string* out, int64_t id) {
    absl::StrAppend(
        out, "(SELECT sequence FROM balance_lines FORCE INDEX (PRIMARY) WHERE balance_id = ", id,
        " AND sequence BETWEEN ", first, " AND ", last, occurred, " ORDER BY sequence ", order,
        " LIMIT ", limit, ")");
  });
}

std::string MovementsOfRecordsStatement(const std::vector<int64_t>& sequences) {
  return absl::StrCat(
      "SELECT sequence, record_id FROM records FORCE INDEX (uk_records_sequence) WHERE sequence "
      "IN (",
      absl::StrJoin(sequences, ","), ")");
}

absl::StatusOr<LotMovementPage> MysqlLotHistory::ListMovements(absl::Time deadline,
                                                               const LotMovementQuery& query,
                                                               const Moment& moment) {
  LotMovementPage page;
  if (query.units.empty()) return page;
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reads_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  QM_ASSIGN_OR_RETURN(const std::vector<int64_t> sequences,
                      FindRecords(*connection, query, moment, query.limit + 1));
  if (sequences.empty()) return page;
  QM_ASSIGN_OR_RETURN(std::vector<std::string> ids, FindMovementIds(*connection, sequences));
  QM_ASSIGN_OR_RETURN(const size_t fitting,
                      CountFitting(*connection, ids, static_cast<size_t>(query.limit)));
  if (fitting < sequences.size()) page.next_after = sequences[fitting - 1];
  ids.resize(fitting);
  QM_ASSIGN_OR_RETURN(
      std::vector<EarlierMovement> found,
      ReadMovements(*connection, absl::StrCat("m.movement_id IN (", absl::StrJoin(ids, ","), ")"),
                    {}));
  absl::flat_hash_map<std::string, Movement> movements;
  for (EarlierMovement& earlier : found) {
    const std::string id = UuidLiteral(earlier.movement.movement_id);
    movements[id] = std::move(earlier.movement);
  }
  for (const std::string& id : ids) {
    const auto movement = movements.find(id);
    if (movement == movements.end()) {
      return status::Internal(absl::StrCat("movement ", id, " is gone, its record is not"));
    }
    page.movements.push_back(std::move(movement->second));
  }
  return page;
}

absl::StatusOr<std::vector<BalanceRow>> MysqlLotHistory::ListBalances(
    absl::Time deadline, LotId lot, const std::vector<UnitId>& units, const Moment& moment) {
  std::vector<BalanceRow> balances;
  if (units.empty()) return balances;
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reads_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows rows,
      connection->Query(absl::StrCat(
          "SELECT ", kBalanceRowColumns,
          " FROM balances "
          "b FORCE INDEX (ix_balances_lot_unit) JOIN locations l ON l.location_id = b.location_id "
          "JOIN lots t ON t.lot_id = b.lot_id JOIN items i ON i.item_id = b.item_id WHERE b.lot_id "
          "= ",
          ToNumber(lot), " AND b.unit_id IN (", NumberList(units),
          ") ORDER BY b.state, b.balance_id")));
  for (size_t at = 0; at < rows.size(); at += kBalancesPerStatement) {
    const size_t end = std::min(at + kBalancesPerStatement, rows.size());
    std::vector<int64_t> ids;
    for (size_t i = at; i < end; ++i) ids.push_back(rows[i].Int64(0));
    using Quantities = std::map<int64_t, absl::int128>;
    QM_ASSIGN_OR_RETURN(const Quantities held, ReadHeld(*connection, ids, moment));
    for (size_t i = at; i < end; ++i) {
      const auto quantity = held.find(rows[i].Int64(0));
      if (quantity == held.end() || quantity->second == 0) continue;
      balances.push_back(ReadBalanceRow(rows[i], values::Saturate(quantity->second)));
    }
  }
  return balances;
}

}  // namespace quartermaster::inventory
