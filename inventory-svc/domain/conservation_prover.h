#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inventory-svc/domain/as_of.h"
#include "inventory-svc/domain/full_proof.h"
#include "inventory-svc/domain/item_directory.h"
#include "inventory-svc/domain/line_books.h"
#include "inventory-svc/domain/stock_history.h"
#include "inventory-svc/domain/unit_directory.h"
#include "platform/base/call.h"
#include "platform/base/clock.h"

namespace quartermaster::inventory {

// The page of a proof that a caller asks for.
struct ProveFromLinesCommand {
  // Empty for all.
  std::string item;
  int64_t line_count = 0;
  AsOf as_of;
  // Where the page before ended; none for the first.
  std::optional<ProofPosition> from;
};

// An item's proof and a balance's difference, by name.
struct NamedItemProof {
  std::string item;
  ItemSums sums;
};
struct NamedDifference {
  BalanceDifference difference;
  Account account;
  std::string lot;
};

// A page of a proof.
struct NamedProofPage {
  std::vector<NamedItemProof> items;
  std::vector<NamedDifference> differences;
  ProofPosition position;
  bool is_done = false;
  Moment moment;
};

// Proves the books by every line in them, a page at a time. Keeps nothing between pages.
// Thread-safe; what it is given must outlive it.
class ConservationProver {
 public:
  ConservationProver(LineBooks& books, StockHistory& history, UnitDirectory& units,
                     ItemDirectory& items, const base::Clock& clock)
      : books_(books), history_(history), units_(units), items_(items), clock_(clock) {}

  // Errors as documented at `Ledger.ProveConservation`, in that order.
  absl::StatusOr<NamedProofPage> Prove(const base::Call& call,
                                       const ProveFromLinesCommand& command);

 private:
  LineBooks& books_;
  StockHistory& history_;
  UnitDirectory& units_;
  ItemDirectory& items_;
  const base::Clock& clock_;
};

}  // namespace quartermaster::inventory
