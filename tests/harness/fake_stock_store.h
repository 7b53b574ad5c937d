#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "inventory-svc/domain/stock_store.h"
#include "platform/base/mutex.h"
#include "tests/harness/scheduler.h"

namespace quartermaster::inventory {

// What is in the books: committed, and nothing else.
struct Books {
  std::vector<MovementRecord> movements;
  std::map<BalanceKey, Balance> balances;
  // Requests that wrote a document.
  std::set<RequestKey> document_requests;
  // Which movement holds which paper.
  std::map<std::tuple<std::string, std::string, int32_t>, base::Uuid> papers;

  // Returns what an account holds; zero if it was never used.
  int64_t QuantityOf(const BalanceKey& key) const;
};

// Names every promise of the ledger that `books` break: sums, balances against lines, request ids,
// reversals, papers. Empty if all hold.
std::vector<std::string> FindViolations(const Books& books);

// The books in memory, as a database keeps them: row locks that are held to the end of the
// transaction, writes that nobody sees before COMMIT, unique keys that make the later of two twins
// wait and then run again. Held to the same contract as `MysqlStockStore` by tests/storage.
//
// With a scheduler each call of the port is a step, and so is each row lock; without one, threads
// wait for each other as they do in a database. Refuses what SQL would let pass: writing a balance
// that is not locked is INTERNAL.
//
// Thread-safe. `scheduler` must outlive it.
class FakeStockStore final : public StockStore {
 public:
  struct Options {
    testing::Scheduler* scheduler = nullptr;
    // How many COMMITs may lose their answer. Each that does took effect or did not: the scheduler
    // tries both.
    int lost_commit_count_max = 0;
    int rerun_count_max = 3;
    // What the tables say of a movement that the domain let pass; what is not OK fails the whole
    // statement, as a value does that does not fit its column.
    std::function<absl::Status(const MovementRecord&)> check_movement = nullptr;
  };

  FakeStockStore(std::vector<LotRow> lots, const Options& options);

  absl::Status Atomically(absl::Time deadline,
                          absl::FunctionRef<absl::Status(StockBook&)> body) override;
  absl::Status MakeBalances(absl::Time deadline, std::vector<BalanceKey> keys) override;
  absl::StatusOr<std::optional<EarlierRequest>> FindRequest(absl::Time deadline,
                                                            const RequestKey& request) override;
  absl::StatusOr<std::optional<Movement>> FindMovement(absl::Time deadline,
                                                       const base::Uuid& movement_id) override;
  bool MayBeOneMovementsFault(const absl::Status& status) const override;
  absl::StatusOr<std::vector<LotRow>> FindLots(absl::Time deadline,
                                               const std::vector<std::string>& names) override;
  // No unit holds anything here that it does not own.
  absl::StatusOr<std::vector<LotId>> FindHeldLots(absl::Time, const std::vector<LotId>&,
                                                  const std::vector<UnitId>&) override {
    return std::vector<LotId>();
  }

  // Enters a request that wrote a document.
  void AddDocumentRequest(const RequestKey& request);

  Books books() const;
  // Bodies that were run again, for whatever reason.
  int64_t rerun_count() const;
  // Transactions that wait for a lock now.
  int64_t waiting_count() const;

 private:
  class Transaction;
  enum class CommitOutcome { kAnswered, kLostAfterTakingEffect, kLostWithoutEffect };

  void Step(absl::string_view what);
  // Takes a lock, or returns ABORTED if it is not to be had within a lock wait.
  absl::Status Lock(Transaction& transaction, const std::string& row, bool is_step);
  void Release(const Transaction& transaction);
  // Runs `body` once. `wants_rerun` tells whether it is to be run again from the start.
  absl::Status Attempt(absl::FunctionRef<absl::Status(StockBook&)> body, bool& wants_rerun);
  CommitOutcome ChooseOutcome();
  std::optional<EarlierRequest> FindCommitted(const RequestKey& request) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasPosted(const RequestKey& request) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<Movement> FindCommitted(const base::Uuid& movement_id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::vector<LotRow> lots_;
  const Options options_;

  mutable base::Mutex mutex_;
  base::CondVar released_;
  Books books_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, const Transaction*> locks_ ABSL_GUARDED_BY(mutex_);
  uint32_t last_balance_id_ ABSL_GUARDED_BY(mutex_) = 0;
  int lost_commit_count_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t rerun_count_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t waiting_count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace quartermaster::inventory
