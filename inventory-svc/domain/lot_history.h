#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/as_of.h"
#include "inventory-svc/domain/stock_queries.h"

namespace quartermaster::inventory {

// Which of the movements that carried a lot.
struct LotMovementQuery {
  LotId lot = {};
  // Only those that touched an account of the lot in one of these units, each once.
  std::vector<UnitId> units;
  bool is_newest_first = false;
  // Begins after the movement of this record, in the order asked for.
  std::optional<int64_t> after_sequence;
  int limit = 100;
};

// Some of the movements that a query found, in the order of their records.
struct LotMovementPage {
  std::vector<Movement> movements;
  // The record that the next page begins after; none if this is the last.
  std::optional<int64_t> next_after;
};

// Port: what became of a lot, as of a moment. Answers for one moment agree with each other and stay
// the same. Thread-safe.
class LotHistory {
 public:
  virtual ~LotHistory() = default;

  // Returns up to `limit` movements, fewer if they have very many lines, and one at least if there
  // are any; all with their lines of other lots.
  virtual absl::StatusOr<LotMovementPage> ListMovements(absl::Time deadline,
                                                        const LotMovementQuery& query,
                                                        const Moment& moment) = 0;

  // Returns what the accounts of `units` held of the lot, inside and outside, those that held
  // something: by state, then by row number.
  virtual absl::StatusOr<std::vector<BalanceRow>> ListBalances(absl::Time deadline, LotId lot,
                                                               const std::vector<UnitId>& units,
                                                               const Moment& moment) = 0;
};

}  // namespace quartermaster::inventory
