#pragma once

#include <optional>
#include <string>
#include <vector>

#include "inventory-svc/domain/stock_store.h"
#include "inventory-svc/storage/balance_ids.h"
#include "platform/mysql/connection.h"

namespace quartermaster::inventory {

// Returns the row number of a balance, remembered or looked up; nothing if no row was made.
absl::StatusOr<std::optional<BalanceId>> FindBalance(mysql::Connection& connection,
                                                     BalanceIds& balance_ids,
                                                     const BalanceKey& key);

// Returns the statements that lock balances, given in ascending order, in that order.
std::vector<std::string> LockBalancesStatements(const std::vector<int64_t>& ids);

// The books on one connection, inside the transaction that is open on it. A document's storage
// makes one over its own connection, so that the document and what it posts commit together.
//
// Not thread-safe. `connection` and `balance_ids` must outlive it.
class MysqlStockBook final : public StockBook {
 public:
  MysqlStockBook(mysql::Connection& connection, BalanceIds& balance_ids)
      : connection_(connection), balance_ids_(balance_ids) {}

  absl::StatusOr<std::optional<EarlierMovement>> FindByRequestId(
      const std::string& caller, const base::Uuid& request_id) override;
  absl::StatusOr<std::optional<Movement>> LockMovement(const base::Uuid& movement_id) override;
  absl::StatusOr<std::vector<Balance>> LockBalances(const std::vector<BalanceKey>& keys) override;
  absl::StatusOr<std::optional<base::Uuid>> FindBySourceDocument(
      const SourceDocument& document) override;
  absl::StatusOr<int64_t> SumReserved(LocationId location, LotId lot) override;
  absl::Status Record(const base::Call& call, const MovementRecord& record) override;

 private:
  mysql::Connection& connection_;
  BalanceIds& balance_ids_;
};

}  // namespace quartermaster::inventory
