#pragma once

#include <optional>
#include <string>
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

// A movement found by its request id, with the hash of the command that posted it.
struct EarlierMovement {
  Movement movement;
  base::Sha256Digest content_hash;
};

// A lot as postings need it: its row number beside its facts.
struct LotRow {
  LotId id = {};
  Lot lot;
};

// All that one posting writes.
struct MovementRecord {
  Movement movement;
  // The request that posted it. For a movement of a document it is the document's, which keeps it:
  // such a movement is not found by it.
  base::Uuid request_id;
  base::Sha256Digest content_hash = {};
  std::vector<ResolvedLine> lines;
  std::vector<Balance> balances_after;
};

// The books inside one transaction. Valid only within the `Atomically` that handed it out.
//
// Locks are taken in one order everywhere: the original movement, then balances ascending. Not
// thread-safe.
class StockBook {
 public:
  virtual ~StockBook() = default;

  // Finds what `caller` posted under `request_id`, as it was written: without `reversed_by`.
  virtual absl::StatusOr<std::optional<EarlierMovement>> FindByRequestId(
      const std::string& caller, const base::Uuid& request_id) = 0;

  // Locks a movement against a second reversal and returns it, with `reversed_by`.
  virtual absl::StatusOr<std::optional<Movement>> LockMovement(const base::Uuid& movement_id) = 0;

  // Locks the balance of each key, in the order of their row numbers, and returns what they hold.
  // Every row must have been made by `StockStore::MakeBalances`.
  virtual absl::StatusOr<std::vector<Balance>> LockBalances(
      const std::vector<BalanceKey>& keys) = 0;

  // Finds the movement, not reversed, that a paper was posted by.
  virtual absl::StatusOr<std::optional<base::Uuid>> FindBySourceDocument(
      const SourceDocument& document) = 0;

  // Sums what documents hold of a lot at a location: what is there, but promised.
  virtual absl::StatusOr<int64_t> SumReserved(LocationId location, LotId lot) = 0;

  // Writes the movement, its lines, the balances, the paper and one record; for a reversal, frees
  // the original's paper. Fails with ABORTED if a twin wrote first: the transaction runs again.
  virtual absl::Status Record(const base::Call& call, const MovementRecord& record) = 0;
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

  // As `StockBook::FindByRequestId`, outside any transaction.
  virtual absl::StatusOr<std::optional<EarlierMovement>> FindByRequestId(
      absl::Time deadline, const std::string& caller, const base::Uuid& request_id) = 0;

  // Finds a movement, with `reversed_by`.
  virtual absl::StatusOr<std::optional<Movement>> FindMovement(absl::Time deadline,
                                                               const base::Uuid& movement_id) = 0;

  // Finds lots by name; a name that does not exist is missing from the answer.
  virtual absl::StatusOr<std::vector<LotRow>> FindLots(absl::Time deadline,
                                                       const std::vector<std::string>& names) = 0;
};

}  // namespace quartermaster::inventory
