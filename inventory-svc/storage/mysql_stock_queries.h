#pragma once

#include <string>
#include <vector>

#include "inventory-svc/domain/stock_queries.h"
#include "platform/mysql/pool.h"

namespace quartermaster::inventory {

// Reads of the books from MySQL tables. Thread-safe. The pools must outlive it.
class MysqlStockQueries final : public StockQueries {
 public:
  MysqlStockQueries(mysql::Pool& reads, mysql::Pool& reports) : reads_(reads), reports_(reports) {}

  absl::StatusOr<MovementPage> ListMovements(absl::Time deadline,
                                             const MovementQuery& query) override;
  absl::StatusOr<std::vector<BalanceRow>> ListBalances(absl::Time deadline,
                                                       const BalanceQuery& query) override;
  absl::StatusOr<std::vector<LotRow>> ListLots(absl::Time deadline, const LotQuery& query) override;
  absl::StatusOr<std::vector<LotAmount>> ListLotAmounts(absl::Time deadline,
                                                        const LotAmountQuery& query) override;
  absl::StatusOr<std::vector<StockLine>> SumStock(absl::Time deadline,
                                                  const std::vector<UnitId>& units,
                                                  const std::string& expiring_before) override;
  absl::StatusOr<std::vector<ConservationProof>> ProveConservation(
      absl::Time deadline, std::optional<ItemId> item) override;

 private:
  mysql::Pool& reads_;
  mysql::Pool& reports_;
};

}  // namespace quartermaster::inventory
