#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inventory-svc/domain/lot_history.h"
#include "platform/mysql/pool.h"

namespace quartermaster::inventory {

// What became of lots, from the tables that `HistoryWriter` fills. The work grows with the accounts
// that the lot was ever in and with the page, not with the movements before or behind it.
// Thread-safe. The pool must outlive it.
class MysqlLotHistory final : public LotHistory {
 public:
  explicit MysqlLotHistory(mysql::Pool& reads) : reads_(reads) {}

  absl::StatusOr<LotMovementPage> ListMovements(absl::Time deadline, const LotMovementQuery& query,
                                                const Moment& moment) override;
  absl::StatusOr<std::vector<BalanceRow>> ListBalances(absl::Time deadline, LotId lot,
                                                       const std::vector<UnitId>& units,
                                                       const Moment& moment) override;

 private:
  mysql::Pool& reads_;
};

// The statements behind these, for a test that asks the server how it would run them.
//
// Finds the balances of a lot in some units.
std::string LotBalancesStatement(LotId lot, const std::vector<UnitId>& units);
// Finds the next records, `limit` at most for each balance, that touched `balance_ids`: one dive
// into the primary key of balance_lines each. `bound`, if it is given, is the last that is wanted.
absl::StatusOr<std::string> NextRecordsStatement(const std::vector<int64_t>& balance_ids,
                                                 const LotMovementQuery& query,
                                                 const Moment& moment, std::optional<int64_t> bound,
                                                 int limit);
std::string MovementsOfRecordsStatement(const std::vector<int64_t>& sequences);

}  // namespace quartermaster::inventory
