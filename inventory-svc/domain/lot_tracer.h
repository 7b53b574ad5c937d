#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inventory-svc/domain/as_of.h"
#include "inventory-svc/domain/item_directory.h"
#include "inventory-svc/domain/lot_history.h"
#include "inventory-svc/domain/stock_history.h"
#include "inventory-svc/domain/stock_store.h"
#include "inventory-svc/domain/unit_directory.h"
#include "platform/base/call.h"
#include "platform/base/clock.h"

namespace quartermaster::inventory {

// The trace a caller asks for.
struct TraceLotCommand {
  // `items/{item}/lots/{lot}`.
  std::string name;
  bool is_newest_first = false;
  int page_size = 100;
  AsOf as_of;
  // On later pages: the record after which they go on, and the prefix of the sealed records that
  // the first page rested on.
  std::optional<int64_t> after_sequence;
  std::optional<int64_t> sequence;
};

// Where all of a lot came from and where it is, in base units. `received` is the sum of the others.
struct LotTotals {
  int64_t received = 0;
  int64_t on_hand = 0;
  int64_t in_transit = 0;
  int64_t in_use = 0;
  int64_t consumed = 0;
  int64_t sold = 0;
  int64_t given = 0;
  int64_t lost = 0;
  int64_t expired = 0;
  int64_t destroyed = 0;
  // With units that are not covered.
  int64_t elsewhere = 0;
};

// What a lot's accounts held, and what that adds up to.
struct LotStanding {
  LotTotals totals;
  std::vector<BalanceRow> balances;
  // How many were more than a trace lists.
  size_t unlisted_balance_count = 0;
};

// A page of a lot's story.
struct LotTrace {
  Lot lot;
  std::string base_unit;
  // As their reader may see them, with their lines of this lot alone.
  std::vector<Movement> movements;
  std::optional<int64_t> next_after;
  // On the first page alone.
  std::optional<LotStanding> standing;
  Moment moment;
};

// Adds up what the accounts of one lot held. What they lack to balance is elsewhere.
LotTotals SumLot(const std::vector<BalanceRow>& balances);

// Follows lots from their source to their use, as far as the caller's grants cover the way.
// Thread-safe; what it is given must outlive it.
class LotTracer {
 public:
  LotTracer(LotHistory& lots, StockHistory& history, StockStore& store, UnitDirectory& units,
            ItemDirectory& items, const base::Clock& clock)
      : lots_(lots),
        history_(history),
        store_(store),
        units_(units),
        items_(items),
        clock_(clock) {}

  // Errors as documented at `Ledger.TraceLot`, in that order.
  absl::StatusOr<LotTrace> TraceLot(const base::Call& call, const TraceLotCommand& command);

 private:
  LotHistory& lots_;
  StockHistory& history_;
  StockStore& store_;
  UnitDirectory& units_;
  ItemDirectory& items_;
  const base::Clock& clock_;
};

}  // namespace quartermaster::inventory
