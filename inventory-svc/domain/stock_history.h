#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/as_of.h"
#include "inventory-svc/domain/stock_queries.h"

namespace quartermaster::inventory {

// Port: reads of the books as of a past moment. What is answered for a moment with a record time
// stays the same for ever. Thread-safe.
class StockHistory {
 public:
  virtual ~StockHistory() = default;

  // Finds what a moment comes to. On the occurred clock alone it is the newest prefix that the
  // history has taken in. FAILED_PRECONDITION `NOT_SEALED_YET` beyond the closed time.
  virtual absl::StatusOr<Moment> FindMoment(absl::Time deadline, const AsOf& as_of) = 0;

  // As `StockQueries::ListBalances`, as of `moment`.
  virtual absl::StatusOr<std::vector<BalanceRow>> ListBalances(absl::Time deadline,
                                                               const BalanceQuery& query,
                                                               const Moment& moment) = 0;

  // As `StockQueries::SumStock`, as of `moment`.
  virtual absl::StatusOr<std::vector<StockLine>> SumStock(absl::Time deadline,
                                                          const std::vector<UnitId>& units,
                                                          const std::string& expiring_before,
                                                          const Moment& moment) = 0;

  // Returns those of `movement_ids` that were in the books by `moment`.
  virtual absl::StatusOr<std::vector<base::Uuid>> FindMovements(
      absl::Time deadline, const std::vector<base::Uuid>& movement_ids, const Moment& moment) = 0;
};

}  // namespace quartermaster::inventory
