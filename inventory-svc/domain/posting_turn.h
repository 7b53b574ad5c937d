#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "inventory-svc/domain/ledger_types.h"
#include "inventory-svc/domain/stock_store.h"
#include "platform/base/call.h"
#include "platform/base/sha256.h"

// The one place where postings are decided, whoever brings them: a lane a few hundred at a time, a
// reversal or a document its only one.
namespace quartermaster::inventory {

// Lines whose names were looked up and whose quantities were converted.
struct ResolvedLines {
  std::vector<MovementLine> named;
  std::vector<ResolvedLine> resolved;

  // Returns each balance that a line names, once, in ascending order.
  std::vector<BalanceKey> Balances() const;
};

// One posting that waits to be decided. A plain value.
struct PendingPosting {
  // In whose name, by which method, under which trace.
  base::Call call;
  // What is known of the movement beforehand; its lines are those of `lines`.
  Movement movement;
  base::Uuid request_id;
  base::Sha256Digest content_hash = {};
  ResolvedLines lines;
  // The books take it no earlier.
  absl::Time not_before = absl::InfinitePast();
  // What it is refused with, unless its request is in the books: what was wrong with its lines. It
  // has none then.
  absl::Status refusal;

  // Tells whether it can be found by its request: what a document posts is found by the document's.
  bool HasOwnRequest() const { return !movement.document.has_value(); }
  RequestKey Key() const { return {.caller = movement.caller, .request_id = request_id}; }
};

using PostingAnswer = absl::StatusOr<Movement>;

// Postings that are decided one after the other and written together. Never null.
using Turn = std::vector<const PendingPosting*>;

// Returns what a turn asks of the books.
Wanted WantedBy(const Turn& turn);

// What becomes of a turn.
struct TurnDecision {
  // A posting that lacks goods.
  struct Short {
    size_t posting;
    Shortage shortage;
  };
  // A posting whose paper is taken: by a movement of the books, or by one of this very turn, whose
  // lines are given.
  struct TakenPaper {
    size_t posting;
    base::Uuid movement_id;
    std::vector<MovementLine> lines;
  };

  // One for each posting, in their order: what it posts, what it posted before, or why not. Those
  // of `shortages` and `taken_papers` are still open.
  std::vector<PostingAnswer> answers;
  std::vector<Short> shortages;
  std::vector<TakenPaper> taken_papers;
  // What is to be written, movements in ascending order of their requests; empty if nothing is.
  TurnRecord record;
};

// Decides each posting in turn on what the ones before it left. A posting that is refused is left
// out and disturbs nobody. Requests are unique: of two postings with one, the second gets the
// answer of the first if that is posted, or is refused if its content differs.
//
// `found` is what the books say to `WantedBy(turn)` while the balances are locked. `next_id` names
// movements: under the locks, so that names ascend as record times do, for lists go by names.
TurnDecision DecideTurn(const Turn& turn, const Found& found, absl::Time now,
                        absl::FunctionRef<base::Uuid()> next_id);

}  // namespace quartermaster::inventory
