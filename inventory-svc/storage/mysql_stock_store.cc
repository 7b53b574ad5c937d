#include "inventory-svc/storage/mysql_stock_store.h"

#include <algorithm>
#include <span>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "inventory-svc/domain/names.h"
#include "inventory-svc/storage/lot_rows.h"
#include "inventory-svc/storage/movement_rows.h"
#include "inventory-svc/storage/mysql_stock_book.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/error.h"
#include "platform/mysql/transaction.h"

namespace quartermaster::inventory {

namespace {

// Rows of one statement, and so of one commit.
constexpr size_t kMadeRowsMax = 500;

// Makes rows in the order of `keys`, many to a commit: a turn that is the first to use its accounts
// would otherwise wait for a commit each. What another made meanwhile stays as it is.
std::vector<mysql::Statement> MakeBalancesStatements(const std::vector<BalanceKey>& keys) {
  std::vector<mysql::Statement> statements;
  const std::span<const BalanceKey> all(keys);
  for (size_t at = 0; at < all.size(); at += kMadeRowsMax) {
    std::string rows;
    for (const BalanceKey& key : all.subspan(at, std::min(kMadeRowsMax, all.size() - at))) {
      absl::StrAppend(&rows, rows.empty() ? "" : " UNION ALL ", "SELECT ", ToNumber(key.location),
                      " AS location_id, ", static_cast<int>(key.state), " AS state, ",
                      UuidLiteral(key.holder), " AS holder, ", ToNumber(key.lot), " AS lot_id");
    }
    statements.push_back(
        {.sql = absl::StrCat(
             "INSERT IGNORE INTO balances (location_id, state, holder, lot_id, unit_id, item_id) "
             "SELECT k.location_id, k.state, k.holder, k.lot_id, l.unit_id, t.item_id FROM (",
             rows,
             ") k JOIN locations l ON l.location_id = k.location_id JOIN lots t ON t.lot_id = "
             "k.lot_id ORDER BY k.location_id, k.lot_id, k.state, k.holder")});
  }
  return statements;
}

}  // namespace

mysql::ConnectionOptions ForTurns(mysql::ConnectionOptions database, absl::Duration turn_time_max) {
  // Where the server is there to stop a statement itself, its answer comes first.
  const absl::Duration silence_max = turn_time_max + absl::Seconds(1);
  database.connect_timeout = std::min(database.connect_timeout, silence_max);
  database.read_timeout = std::min(database.read_timeout, silence_max);
  return database;
}

absl::StatusOr<mysql::Lease> MysqlStockStore::LeaseUntil(absl::Time deadline) {
  QM_ASSIGN_OR_RETURN(mysql::Lease connection, pool_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  return connection;
}

absl::Status MysqlStockStore::Atomically(absl::Time deadline,
                                         absl::FunctionRef<absl::Status(StockBook&)> body) {
  bool is_rerun = false;
  return mysql::InTransaction(
      pool_, deadline,
      [&](mysql::Connection& connection) {
        MysqlStockBook book(connection, balance_ids_, std::exchange(is_rerun, true));
        return body(book);
      },
      options_.transaction);
}

absl::Status MysqlStockStore::MakeBalances(absl::Time deadline, std::vector<BalanceKey> keys) {
  std::erase_if(keys, [&](const BalanceKey& key) { return balance_ids_.Find(key).has_value(); });
  if (keys.empty()) return absl::OkStatus();
  // Everybody makes missing rows in the order of their unique key, some hundred to a commit: in any
  // other order two who wait for each other's rows meet a deadlock.
  std::ranges::sort(keys, {}, [](const BalanceKey& key) {
    return std::tuple(key.location, key.lot, key.state, key.holder);
  });
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, LeaseUntil(deadline));
  QM_ASSIGN_OR_RETURN(const auto known, FindBalances(*connection, balance_ids_, keys));
  std::vector<BalanceKey> missing;
  for (const BalanceKey& key : keys) {
    if (!known.contains(key)) missing.push_back(key);
  }
  if (missing.empty()) return absl::OkStatus();
  QM_RETURN_IF_ERROR(mysql::ExecuteRepeatable(pool_, *connection, MakeBalancesStatements(missing),
                                              options_.transaction));
  QM_ASSIGN_OR_RETURN(const auto made, FindBalances(*connection, balance_ids_, keys));
  if (made.size() < keys.size()) return absl::InternalError("a balance row could not be made");
  return absl::OkStatus();
}

absl::StatusOr<std::optional<EarlierRequest>> MysqlStockStore::FindRequest(
    absl::Time deadline, const RequestKey& request) {
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, LeaseUntil(deadline));
  QM_ASSIGN_OR_RETURN(
      Found found, MysqlStockBook(*connection, balance_ids_).LockAndFind({.requests = {request}}));
  const auto earlier = found.requests.find(request);
  if (earlier == found.requests.end()) return std::optional<EarlierRequest>();
  return std::optional(std::move(earlier->second));
}

absl::StatusOr<std::optional<Movement>> MysqlStockStore::FindMovement(
    absl::Time deadline, const base::Uuid& movement_id) {
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, LeaseUntil(deadline));
  QM_ASSIGN_OR_RETURN(std::vector<EarlierMovement> found,
                      ReadMovements(*connection, "m.movement_id = ?", {movement_id.ToBytes()}));
  if (found.empty()) return std::nullopt;
  return std::move(found[0].movement);
}

bool MysqlStockStore::MayBeOneMovementsFault(const absl::Status& status) const {
  return mysql::MayBeOneRowsFault(status);
}

absl::StatusOr<std::vector<LotRow>> MysqlStockStore::FindLots(
    absl::Time deadline, const std::vector<std::string>& names) {
  std::vector<LotRow> found;
  std::vector<std::string> unknown;
  {
    base::MutexLock lock(&mutex_);
    for (const std::string& name : names) {
      const auto lot = lots_.find(name);
      if (lot == lots_.end()) {
        unknown.push_back(name);
      } else {
        found.push_back(lot->second);
      }
    }
  }
  if (unknown.empty()) return found;
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, LeaseUntil(deadline));
  for (const std::string& name : unknown) {
    QM_ASSIGN_OR_RETURN(std::vector<LotRow> rows,
                        ReadLots(*connection, "i.name = ? AND t.name = ?",
                                 {std::string(ItemOfLot(name)), std::string(LastSegment(name))}));
    if (rows.empty()) continue;
    found.push_back(rows[0]);
    base::MutexLock lock(&mutex_);
    if (lots_.size() >= options_.cached_lot_count_max) lots_.clear();
    lots_[name] = std::move(rows[0]);
  }
  return found;
}

absl::StatusOr<std::vector<LotId>> MysqlStockStore::FindHeldLots(absl::Time deadline,
                                                                 const std::vector<LotId>& lots,
                                                                 const std::vector<UnitId>& units) {
  std::vector<LotId> held;
  std::vector<LotId> unknown;
  for (const LotId lot : lots) (held_lots_.Find(lot, units) ? held : unknown).push_back(lot);
  if (unknown.empty() || units.empty()) return held;
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, LeaseUntil(deadline));
  for (const LotId lot : unknown) {
    QM_ASSIGN_OR_RETURN(const std::optional<UnitId> holder, FindHolder(*connection, lot, units));
    if (!holder.has_value()) continue;
    held_lots_.Insert(lot, *holder);
    held.push_back(lot);
  }
  return held;
}

}  // namespace quartermaster::inventory
