#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/stock_ledger.h"
#include "inventory-svc/domain/stock_store.h"
#include "platform/base/clock.h"

namespace quartermaster::inventory {

// Runs turns to their end: makes the balance rows that are missing, opens the transaction, and
// takes apart a turn that one of its postings spoils. Without a thread of its own, so that tests
// step it.
//
// Thread-safe; what it is given must outlive it.
class TurnRunner {
 public:
  struct Options {
    // How long a turn may wait for its connection and read. Never a caller's deadline: a turn is
    // many callers'.
    absl::Duration time_max = absl::Seconds(5);
    // Transactions of one turn, with those of its parts. More are not tried: the rest is refused
    // and repeated by its callers.
    int transaction_count_max = 64;
  };

  TurnRunner(StockStore& store, StockLedger& ledger, const base::Clock& clock,
             const Options& options)
      : store_(store), ledger_(ledger), clock_(clock), options_(options) {}

  // Returns one answer for each posting, in their order.
  //
  // An error that the data of one posting can cause costs that one alone: the turn is halved until
  // it is found. Any other is answered to all, and nothing of the turn is in the books then, unless
  // it is `OUTCOME_UNKNOWN`.
  std::vector<PostingAnswer> Run(const Turn& turn);

  // Turns that were halved.
  int64_t split_count() const { return split_count_; }

 private:
  absl::StatusOr<std::vector<PostingAnswer>> RunOnce(const Turn& turn);
  void RunPart(const Turn& turn, int& transactions_left, std::vector<PostingAnswer>& answers);

  StockStore& store_;
  StockLedger& ledger_;
  const base::Clock& clock_;
  const Options options_;
  std::atomic<int64_t> split_count_ = 0;
};

}  // namespace quartermaster::inventory
