#pragma once

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/ledger_types.h"
#include "platform/base/call.h"
#include "platform/base/sha256.h"

// What the ledger asks of its storage, in its own words. `MysqlStockStore` keeps it in tables,
// `FakeStockStore` in memory; one contract suite holds both to the same behavior.
namespace quartermaster::inventory {

// A movement with its request, nil for a document's, and the hash of the command that posted it.
struct EarlierMovement {
  Movement movement;
  base::Sha256Digest content_hash = {};
  base::Uuid request_id;
};

// A request as ids are scoped: to the caller in whose name it is made.
struct RequestKey {
  std::string caller;
  base::Uuid request_id;

  friend auto operator<=>(const RequestKey&, const RequestKey&) = default;
};

// What a request did before.
struct EarlierRequest {
  // What it posted, as it was written: without `reversed_by`. Nothing if it wrote a document, whose
  // content no posting can repeat.
  std::optional<Movement> movement;
  base::Sha256Digest content_hash = {};
};

// A lot as postings need it: its row number beside its facts.
struct LotRow {
  LotId id = {};
  Lot lot;
};

// One movement as it is written.
struct MovementRecord {
  Movement movement;
  // The request that posted it. For a movement of a document it is the document's, which keeps it:
  // such a movement is not found by it.
  base::Uuid request_id;
  base::Sha256Digest content_hash = {};
  std::vector<ResolvedLine> lines;
  // What the record of the write says of the call.
  std::string method;
  std::string trace_id;
};

// All that one turn writes: movements that know nothing of each other, and what they leave behind.
struct TurnRecord {
  std::vector<MovementRecord> movements;
  // Every balance that some movement changed.
  std::vector<Balance> balances_after;
};

// What a turn asks of the books.
struct Wanted {
  // Each once.
  std::vector<BalanceKey> balances;
  std::vector<RequestKey> requests;
  std::vector<SourceDocument> papers;
};

// What the books say. What is not there is missing.
struct Found {
  // In the order of their row numbers.
  std::vector<Balance> balances;
  std::map<RequestKey, EarlierRequest> requests;
  // Papers that some movement, not reversed, was posted by.
  std::vector<std::pair<SourceDocument, base::Uuid>> papers;
};

// The books inside one transaction. Valid only within the `Atomically` that handed it out.
//
// Locks are taken in one order everywhere: the original movement, then balances ascending, then
// request ids ascending, then papers ascending. Not thread-safe.
class StockBook {
 public:
  virtual ~StockBook() = default;

  // Locks the balances, in the order of their row numbers, and only then looks requests and papers
  // up, so that what it does not find is not there: a twin that held the locks before has
  // committed. A request that wrote a document may be met by `Record` instead, and is found when
  // the transaction runs again. Every balance row must have been made by
  // `StockStore::MakeBalances`; the transaction runs again if one is missing.
  virtual absl::StatusOr<Found> LockAndFind(const Wanted& wanted) = 0;

  // Locks a movement against a second reversal and returns it, with `reversed_by`.
  virtual absl::StatusOr<std::optional<Movement>> LockMovement(const base::Uuid& movement_id) = 0;

  // Finds movements, with `reversed_by`, in any order.
  virtual absl::StatusOr<std::vector<Movement>> FindMovements(
      const std::vector<base::Uuid>& movement_ids) = 0;

  // Sums, for each place, what documents hold there of a lot: what is there, but promised.
  virtual absl::StatusOr<std::vector<int64_t>> SumReserved(
      const std::vector<std::pair<LocationId, LotId>>& places) = 0;

  // Writes the movements, their lines, the balances, the papers and one record each; for a
  // reversal, frees the original's paper. The balances must be locked. Fails with ABORTED if a twin
  // wrote first, or a document by the same request: the transaction runs again.
  virtual absl::Status Record(const TurnRecord& turn) = 0;

  // The same, and commits: the last act of a body.
  virtual absl::Status RecordAndCommit(const TurnRecord& turn) = 0;
};

// Thread-safe.
class StockStore {
 public:
  virtual ~StockStore() = default;

  // Runs `body` in one transaction and commits if it returns OK. After a deadlock, a lost race or a
  // commit of unknown outcome `body` runs again, so it must touch nothing but the book and locals
  // of its own that it sets anew.
  virtual absl::Status Atomically(absl::Time deadline,
                                  absl::FunctionRef<absl::Status(StockBook&)> body) = 0;

  // Makes a balance row, at zero, for each key that has none. Commits by itself, before any
  // transaction that locks them: a row made inside one would be locked by nobody else's look-up.
  virtual absl::Status MakeBalances(absl::Time deadline, std::vector<BalanceKey> keys) = 0;

  // Finds what a request did before, outside any transaction.
  virtual absl::StatusOr<std::optional<EarlierRequest>> FindRequest(absl::Time deadline,
                                                                    const RequestKey& request) = 0;

  // Finds a movement, with `reversed_by`.
  virtual absl::StatusOr<std::optional<Movement>> FindMovement(absl::Time deadline,
                                                               const base::Uuid& movement_id) = 0;

  // Tells whether an error of `Atomically` may be the fault of a single movement of those that were
  // written together, so that the others are worth a try without it.
  virtual bool MayBeOneMovementsFault(const absl::Status& status) const = 0;

  // Finds lots by name; a name that does not exist is missing from the answer.
  virtual absl::StatusOr<std::vector<LotRow>> FindLots(absl::Time deadline,
                                                       const std::vector<std::string>& names) = 0;

  // Tells which of `lots` an inside account of one of `units` holds or has held, in any order.
  virtual absl::StatusOr<std::vector<LotId>> FindHeldLots(absl::Time deadline,
                                                          const std::vector<LotId>& lots,
                                                          const std::vector<UnitId>& units) = 0;
};

}  // namespace quartermaster::inventory
