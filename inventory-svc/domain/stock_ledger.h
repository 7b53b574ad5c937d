#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "inventory-svc/domain/item_directory.h"
#include "inventory-svc/domain/ledger_types.h"
#include "inventory-svc/domain/posting_turn.h"
#include "inventory-svc/domain/scope.h"
#include "inventory-svc/domain/stock_store.h"
#include "inventory-svc/domain/unit_directory.h"
#include "platform/base/call.h"
#include "platform/base/clock.h"
#include "platform/base/uuid.h"

namespace quartermaster::inventory {

// What a document posts inside its own transaction.
struct DocumentPosting {
  base::Uuid document;
  // The request by which the document was changed.
  base::Uuid request_id;
  Reason reason = Reason::kDispatch;
  ResolvedLines lines;
  std::string note;
  absl::Time occurred_time;
  // The books take it no earlier: after the version of the document that it follows.
  absl::Time not_before = absl::InfinitePast();
};

// The use cases of the ledger. Knows neither SQL nor proto. Thread-safe; what it is given must
// outlive it.
class StockLedger {
 public:
  StockLedger(StockStore& store, UnitDirectory& units, ItemDirectory& items,
              const base::Clock& clock, base::UuidSource& uuids)
      : store_(store), units_(units), items_(items), clock_(clock), uuids_(uuids) {}

  // Posts a movement in a transaction of its own, or returns the one that the same request posted
  // before. Errors as documented at `Ledger.PostMovement`, in that order.
  absl::StatusOr<Movement> PostMovement(const base::Call& call, const PostMovementCommand& command);

  // Checks what can be checked before the books are asked, looks names up and converts
  // quantities. An error is final. What is wrong with the lines is not, and goes into the posting
  // as its refusal: whether the request is in the books comes first.
  absl::StatusOr<PendingPosting> PreparePosting(const base::Call& call,
                                                const PostMovementCommand& command);

  // How the transaction of a turn goes on.
  enum class Ending {
    // Its body does more, or nothing.
    kOpen,
    // It is committed with the last statement.
    kCommit,
  };

  // Posts a turn inside the transaction of `book`: locks, looks requests up, decides, records.
  // The balances must have been made. Returns one answer for each posting; an error is the
  // database's, and nothing is written then. Touches nothing but the book, so it may run again.
  absl::StatusOr<std::vector<PostingAnswer>> PostTurn(StockBook& book, const Turn& turn,
                                                      Ending ending);

  // Posts the opposite of a movement. Errors as documented at `Ledger.ReverseMovement`.
  absl::StatusOr<Movement> ReverseMovement(const base::Call& call,
                                           const ReverseMovementCommand& command);

  // Looks names up and converts quantities; a line whose amount was fixed before keeps it. A lot
  // that `scope` does not let be known is not found; null knows all, for lines that were in the
  // books or in a document before. Fails with the NOT_FOUND errors, then those of units of
  // measure, then `STATE_CHANGE_NOT_ALLOWED` and `HAZARD_STORE_REQUIRED`.
  absl::StatusOr<ResolvedLines> Resolve(absl::Time deadline, Reason reason,
                                        std::vector<MovementLine> lines, const Scope* scope) const;

  // Posts lines for a document, inside its transaction: locks, decides, records. The balances
  // must have been made, and the document's own row be locked. Fails with `INSUFFICIENT_STOCK`.
  absl::StatusOr<Movement> PostForDocument(const base::Call& call, StockBook& book,
                                           const DocumentPosting& posting);

 private:
  using LocationPointer = std::shared_ptr<const LocationFacts>;
  using ItemPointer = std::shared_ptr<const KnownItem>;

  absl::Status CheckMayPost(const base::Call& call, const PostMovementCommand& command,
                            absl::Time now) const;
  absl::Status CheckMayReverse(const base::Caller& caller, const Movement& movement,
                               absl::Time now) const;
  absl::Status ExplainShortages(StockBook& book, const Turn& turn, TurnDecision& decision) const;
  absl::Status ExplainTakenPapers(StockBook& book, const Turn& turn, TurnDecision& decision) const;
  absl::StatusOr<std::vector<LocationPointer>> ResolveLocations(absl::Time deadline,
                                                                ResolvedLines& lines) const;
  absl::StatusOr<std::vector<ItemPointer>> ResolveLots(absl::Time deadline, ResolvedLines& lines,
                                                       const Scope* scope) const;
  absl::Status CheckHazards(const ResolvedLines& lines,
                            const std::vector<LocationPointer>& destinations,
                            const std::vector<ItemPointer>& items) const;
  absl::StatusOr<Movement> PostOne(StockBook& book, const PendingPosting& posting);

  StockStore& store_;
  UnitDirectory& units_;
  ItemDirectory& items_;
  const base::Clock& clock_;
  base::UuidSource& uuids_;
};

}  // namespace quartermaster::inventory
