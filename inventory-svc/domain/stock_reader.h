#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "inventory-svc/domain/as_of.h"
#include "inventory-svc/domain/item_directory.h"
#include "inventory-svc/domain/stock_history.h"
#include "inventory-svc/domain/stock_queries.h"
#include "inventory-svc/domain/stock_store.h"
#include "inventory-svc/domain/unit_directory.h"
#include "platform/base/call.h"
#include "platform/base/clock.h"

namespace quartermaster::inventory {

// The movement a caller asks for.
struct GetMovementCommand {
  base::Uuid movement_id;
  AsOf as_of;
};

// The movements a caller asks for.
struct ListMovementsCommand {
  std::string unit;
  std::string item;
  base::Uuid before;
  int page_size = 100;
  AsOf as_of;
  // See `ListBalancesCommand`.
  std::optional<int64_t> sequence;
};

// The balances a caller asks for.
struct ListBalancesCommand {
  std::string unit;
  std::string item;
  std::string lot;
  std::optional<State> state;
  BalanceId after = {};
  int page_size = 100;
  AsOf as_of;
  // The prefix of the sealed records that the first page rested on; with `as_of`, on later pages.
  std::optional<int64_t> sequence;
};

// The lots a caller asks for.
struct ListLotsCommand {
  std::string item;
  std::string after_expiry;
  std::string after_name;
  int page_size = 100;
};

// The sums a caller asks for.
struct SummarizeStockCommand {
  std::string unit;
  int expiring_days = 30;
  // What the last line before the page is about; empty for the first page.
  std::string after_unit;
  std::string after_item;
  int page_size = 10'000;
  AsOf as_of;
  // See `ListBalancesCommand`.
  std::optional<int64_t> sequence;
};

// A balance and the unit of quantity it is in.
struct NamedBalance {
  BalanceRow row;
  std::string base_unit;
};

// What a caller wants to take, and from where.
struct SuggestLotsCommand {
  std::string location;
  std::string item;
  Quantity quantity;
  // `YYYY-MM-DD`; empty for today.
  std::string good_until;
};

// A suggestion in the item's own unit.
struct MeasuredLotSuggestion {
  LotSuggestion suggestion;
  int64_t wanted = 0;
  std::string base_unit;
};

// Some of the balances that a query found.
struct BalancePage {
  std::vector<NamedBalance> balances;
  // What they rest on, if they are of a past moment.
  std::optional<Moment> moment;
};

// A line of the situation, by names that belong to the summary that it is of.
struct NamedStockLine {
  absl::string_view unit;
  absl::string_view item;
  absl::string_view base_unit;
  StockLine amounts;
};

// Some of the lines of the units that were asked about, by unit, then item.
struct StockSummary {
  std::vector<NamedStockLine> lines;
  bool has_more = false;
  // Whose names the lines bear: thousands of lines are of a few units and items.
  std::shared_ptr<const UnitTree> tree;
  std::vector<std::shared_ptr<const KnownItem>> items;
  // What they rest on, if they are of a past moment.
  std::optional<Moment> moment;
};

// A proof, by name.
struct NamedProof {
  std::string item;
  ConservationProof sums;
};

// The questions of the ledger, each bound to what its caller's grants cover. Errors as documented
// at the methods of the same names. Thread-safe; what it is given must outlive it.
class StockReader {
 public:
  // Days begin and end as they do in `time_zone`.
  StockReader(StockQueries& queries, StockHistory& history, StockStore& store, UnitDirectory& units,
              ItemDirectory& items, const base::Clock& clock, absl::TimeZone time_zone)
      : queries_(queries),
        history_(history),
        store_(store),
        units_(units),
        items_(items),
        clock_(clock),
        time_zone_(time_zone) {}

  absl::StatusOr<Movement> GetMovement(const base::Call& call, const base::Uuid& movement_id,
                                       const AsOf& as_of);
  absl::StatusOr<MovementPage> ListMovements(const base::Call& call,
                                             const ListMovementsCommand& command);
  absl::StatusOr<Lot> GetLot(const base::Call& call, const std::string& name);
  // Returns up to one lot more than a page.
  absl::StatusOr<std::vector<Lot>> ListLots(const base::Call& call, const ListLotsCommand& command);
  // Returns up to one balance more than a page.
  absl::StatusOr<BalancePage> ListBalances(const base::Call& call,
                                           const ListBalancesCommand& command);
  absl::StatusOr<MeasuredLotSuggestion> SuggestLots(const base::Call& call,
                                                    const SuggestLotsCommand& command);
  absl::StatusOr<StockSummary> SummarizeStock(const base::Call& call,
                                              const SummarizeStockCommand& command);
  // `item` may be empty for all.
  absl::StatusOr<std::vector<NamedProof>> ProveConservation(const base::Call& call,
                                                            const std::string& item);

 private:
  // Units and the tree that they were found in.
  struct CoveredUnits {
    std::shared_ptr<const UnitTree> tree;
    std::vector<UnitId> units;
    // When the caller's grants were looked at.
    absl::Time time;
  };

  // Returns `unit` and all beneath it. Errors of `GetCovered`.
  absl::StatusOr<CoveredUnits> CoveredSubtree(const base::Call& call, const std::string& unit);
  // Returns a lot that the caller may know of. LOT_NOT_FOUND for any other.
  absl::StatusOr<LotRow> GetKnownLot(const base::Call& call, const std::string& name);

  // Returns `sums` with their names, in the order of these.
  absl::StatusOr<StockSummary> NameLines(absl::Time deadline, std::shared_ptr<const UnitTree> tree,
                                         const std::vector<StockLine>& sums);

  // Returns what `as_of` comes to; nothing if it is not set.
  absl::StatusOr<std::optional<Moment>> FindMoment(absl::Time deadline, const AsOf& as_of);

  StockQueries& queries_;
  StockHistory& history_;
  StockStore& store_;
  UnitDirectory& units_;
  ItemDirectory& items_;
  const base::Clock& clock_;
  const absl::TimeZone time_zone_;
};

}  // namespace quartermaster::inventory
