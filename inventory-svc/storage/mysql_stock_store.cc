#include "inventory-svc/storage/mysql_stock_store.h"

#include <algorithm>
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

absl::Status MysqlStockStore::Atomically(absl::Time deadline,
                                         absl::FunctionRef<absl::Status(StockBook&)> body) {
  return mysql::InTransaction(
      pool_, deadline,
      [&](mysql::Connection& connection) {
        MysqlStockBook book(connection, balance_ids_);
        return body(book);
      },
      options_.transaction);
}

absl::Status MysqlStockStore::MakeBalances(absl::Time deadline, std::vector<BalanceKey> keys) {
  std::erase_if(keys, [&](const BalanceKey& key) { return balance_ids_.Find(key).has_value(); });
  if (keys.empty()) return absl::OkStatus();
  // Everybody makes missing rows in the same order, and each commits by itself.
  std::ranges::sort(keys);
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, pool_.Acquire(deadline));
  QM_ASSIGN_OR_RETURN(const auto known, FindBalances(*connection, balance_ids_, keys));
  std::vector<mysql::Statement> inserts;
  for (const BalanceKey& key : keys) {
    if (known.contains(key)) continue;
    inserts.push_back(
        {.sql = "INSERT IGNORE INTO balances (location_id, state, holder, lot_id, unit_id, "
                "item_id) SELECT l.location_id, ?, ?, t.lot_id, l.unit_id, t.item_id FROM "
                "locations l JOIN lots t WHERE l.location_id = ? AND t.lot_id = ?",
         .params = {static_cast<int64_t>(key.state), key.holder.ToBytes(), ToNumber(key.location),
                    ToNumber(key.lot)}});
  }
  if (inserts.empty()) return absl::OkStatus();
  QM_RETURN_IF_ERROR(connection->ExecuteBatch(inserts).status());
  QM_ASSIGN_OR_RETURN(const auto made, FindBalances(*connection, balance_ids_, keys));
  if (made.size() < keys.size()) return absl::InternalError("a balance row could not be made");
  return absl::OkStatus();
}

absl::StatusOr<std::optional<EarlierRequest>> MysqlStockStore::FindRequest(
    absl::Time deadline, const RequestKey& request) {
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, pool_.Acquire(deadline));
  QM_ASSIGN_OR_RETURN(
      Found found, MysqlStockBook(*connection, balance_ids_).LockAndFind({.requests = {request}}));
  const auto earlier = found.requests.find(request);
  if (earlier == found.requests.end()) return std::optional<EarlierRequest>();
  return std::optional(std::move(earlier->second));
}

absl::StatusOr<std::optional<Movement>> MysqlStockStore::FindMovement(
    absl::Time deadline, const base::Uuid& movement_id) {
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, pool_.Acquire(deadline));
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
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, pool_.Acquire(deadline));
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

}  // namespace quartermaster::inventory
