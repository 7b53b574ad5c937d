#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/numeric/int128.h"
#include "inventory-svc/domain/stock_history.h"
#include "platform/mysql/connection.h"
#include "platform/mysql/pool.h"

namespace quartermaster::inventory {

// Reads of the books as of a past moment, from the tables that `HistoryWriter` fills. Thread-safe.
// The pools must outlive it.
class MysqlStockHistory final : public StockHistory {
 public:
  MysqlStockHistory(mysql::Pool& reads, mysql::Pool& reports) : reads_(reads), reports_(reports) {}

  absl::StatusOr<Moment> FindMoment(absl::Time deadline, const AsOf& as_of) override;
  absl::StatusOr<std::vector<BalanceRow>> ListBalances(absl::Time deadline,
                                                       const BalanceQuery& query,
                                                       const Moment& moment) override;
  absl::StatusOr<std::vector<StockLine>> SumStock(absl::Time deadline,
                                                  const std::vector<UnitId>& units,
                                                  const std::string& expiring_before,
                                                  const Moment& moment) override;
  absl::StatusOr<std::vector<base::Uuid>> FindMovements(absl::Time deadline,
                                                        const std::vector<base::Uuid>& movement_ids,
                                                        const Moment& moment) override;

 private:
  mysql::Pool& reads_;
  mysql::Pool& reports_;
};

}  // namespace quartermaster::inventory
