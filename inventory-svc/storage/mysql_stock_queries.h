#pragma once

#include <string>
#include <vector>

#include "inventory-svc/domain/stock_queries.h"
#include "platform/mysql/pool.h"

namespace quartermaster::inventory {

// Reads of the books from MySQL tables. Thread-safe. `pool` must outlive it.
class MysqlStockQueries final : public StockQueries {
 public:
  explicit MysqlStockQueries(mysql::Pool& pool) : pool_(pool) {}

  absl::StatusOr<std::vector<Movement>> ListMovements(absl::Time deadline,
                                                      const MovementQuery& query) override;
  absl::StatusOr<std::vector<BalanceRow>> ListBalances(absl::Time deadline,
                                                       const BalanceQuery& query) override;
  absl::StatusOr<std::vector<LotRow>> ListLots(absl::Time deadline, const LotQuery& query) override;
  absl::StatusOr<std::vector<UnitId>> FindHolders(absl::Time deadline, LotId lot) override;
  absl::StatusOr<std::vector<StockLine>> SumStock(absl::Time deadline,
                                                  const std::vector<UnitId>& units,
                                                  const std::string& expiring_before) override;
  absl::StatusOr<std::vector<ConservationProof>> ProveConservation(
      absl::Time deadline, std::optional<ItemId> item) override;

 private:
  mysql::Pool& pool_;
};

}  // namespace quartermaster::inventory
