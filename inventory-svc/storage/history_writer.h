#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inventory-svc/storage/balance_tails.h"
#include "platform/base/clock.h"
#include "platform/mysql/connection.h"
#include "platform/mysql/pool.h"

namespace quartermaster::inventory {

// Writes down what the books held at any time, behind the sealed records: what each did to each
// balance, which of them the books had when, and daily checkpoints. Postings have no part in it.
//
// Everything of a turn is one transaction that begins by locking the row of the progress, so
// writers of several replicas take turns, and one that is killed leaves nothing half done: the next
// turn, whoever takes it, goes on from the same place.
//
// Not thread-safe: one thread takes its turns. What it is given must outlive it.
class HistoryWriter {
 public:
  struct Options {
    // Records of one turn.
    int batch_records_max = 500;
    // The record clock is closed up to this long ago: a posting that took longer from its time to
    // its sealing counts a little later than its time says.
    absl::Duration settle_time = absl::Seconds(2);
    // How often the record clock is closed further while nothing happens.
    absl::Duration close_interval = absl::Seconds(5);
    // Balances of one turn that checkpoints are written for.
    int checkpoint_balances_max = 100;
  };
  // What a turn did.
  struct Turn {
    // Sealed records taken in.
    int64_t record_count = 0;
    int64_t checkpoint_count = 0;
    // Where it stands now.
    int64_t sequence = 0;
    absl::Time closed_time;
    // Whether there is more to do at once.
    bool has_more = false;
  };

  HistoryWriter(mysql::Pool& pool, const base::Clock& clock, const Options& options)
      : pool_(pool), clock_(clock), options_(options) {}

  // Takes in what was sealed meanwhile, and writes the checkpoints that are due. Nothing if another
  // writer is in the middle of its turn.
  absl::StatusOr<std::optional<Turn>> TakeTurn();

 private:
  struct Progress;
  using Tails = std::map<int64_t, BalanceTail>;

  absl::StatusOr<std::optional<Progress>> LockProgress(mysql::Connection& connection) const;
  absl::Status EnsureProgress();
  absl::Status Advance(mysql::Connection& connection, Progress& progress, Turn& turn,
                       Tails& tails) const;
  absl::StatusOr<absl::Time> TimeToClose(mysql::Connection& connection,
                                         const Progress& progress) const;
  absl::Status WriteCheckpoints(mysql::Connection& connection, Progress& progress,
                                Turn& turn) const;

  mysql::Pool& pool_;
  const base::Clock& clock_;
  const Options options_;
  BalanceTails tails_;
};

}  // namespace quartermaster::inventory
