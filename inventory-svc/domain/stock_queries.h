#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/as_of.h"
#include "inventory-svc/domain/ledger_types.h"
#include "inventory-svc/domain/lot_suggestion.h"
#include "inventory-svc/domain/stock_store.h"

// What readers ask of the books. Pages are asked for by the key after which they start, so that a
// page costs the same wherever it is.
namespace quartermaster::inventory {

// Which movements, newest first.
struct MovementQuery {
  // Touching any of these units.
  std::vector<UnitId> units;
  std::optional<ItemId> item;
  // Only those before this one; nil for the first page.
  base::Uuid before;
  int limit = 100;
  // Only those that were in the books then, if it is given.
  std::optional<Moment> moment = std::nullopt;
};

// Which balances that are not zero, in the order of their row numbers.
struct BalanceQuery {
  std::vector<UnitId> units;
  std::optional<ItemId> item;
  std::optional<LotId> lot;
  // None: all inside states.
  std::optional<State> state;
  BalanceId after = {};
  int limit = 100;
};

struct BalanceRow {
  BalanceId id = {};
  Account account;
  std::string lot;
  int64_t quantity = 0;
  ItemId item = {};
};

// Which lots of an item, by expiry, those without last, then by name.
struct LotQuery {
  ItemId item = {};
  // Only lots that one of these units owns, holds or has held.
  std::vector<UnitId> units;
  // Starts after the lot of this expiry and name.
  std::string after_expiry;
  std::string after_name;
  int limit = 100;
};

// What a location holds of an item, by lot and inside state: first what can still be used on
// `good_until`, the first to expire first.
struct LotAmountQuery {
  LocationId location = {};
  ItemId item = {};
  // `YYYY-MM-DD`.
  std::string good_until;
  int limit = 100;
};

// What one unit has of one item, in base units.
struct StockLine {
  UnitId unit = {};
  ItemId item = {};
  int64_t available = 0;
  int64_t reserved = 0;
  int64_t quarantine = 0;
  int64_t in_transit = 0;
  int64_t expiring_soon = 0;
};

// The sums of one item over all its accounts.
struct ConservationProof {
  ItemId item = {};
  int64_t inside_quantity = 0;
  int64_t outside_quantity = 0;
  int64_t difference = 0;
  int64_t balance_count = 0;
  int64_t negative_count = 0;
};

// Some of the movements that a query found, newest first.
struct MovementPage {
  std::vector<Movement> movements;
  bool has_more = false;
  // What they rest on, if they are of a past moment.
  std::optional<Moment> moment = std::nullopt;
};

// Port: reads of the books. Each answer is of one instant. Thread-safe.
class StockQueries {
 public:
  virtual ~StockQueries() = default;
  // Returns up to `limit` movements, fewer if they have very many lines, and one at least.
  virtual absl::StatusOr<MovementPage> ListMovements(absl::Time deadline,
                                                     const MovementQuery& query) = 0;
  virtual absl::StatusOr<std::vector<BalanceRow>> ListBalances(absl::Time deadline,
                                                               const BalanceQuery& query) = 0;
  virtual absl::StatusOr<std::vector<LotRow>> ListLots(absl::Time deadline,
                                                       const LotQuery& query) = 0;
  virtual absl::StatusOr<std::vector<LotAmount>> ListLotAmounts(absl::Time deadline,
                                                                const LotAmountQuery& query) = 0;
  // Sums what each of `units` has, by unit and item. What expires before `expiring_before`
  // (`YYYY-MM-DD`) counts as expiring soon.
  virtual absl::StatusOr<std::vector<StockLine>> SumStock(absl::Time deadline,
                                                          const std::vector<UnitId>& units,
                                                          const std::string& expiring_before) = 0;
  // Sums all balances, by item; of one item alone if it is given.
  virtual absl::StatusOr<std::vector<ConservationProof>> ProveConservation(
      absl::Time deadline, std::optional<ItemId> item) = 0;
};

}  // namespace quartermaster::inventory
