#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/base/mutex.h"
#include "platform/mysql/connection.h"

namespace quartermaster::mysql {

// What happened to transactions since the pool was made. Read any time.
struct TransactionCounters {
  // Bodies run again after a deadlock, a lock wait or a lost race.
  std::atomic<int64_t> rerun_count = 0;
  // Transactions given up as ABORTED `CONTENTION`.
  std::atomic<int64_t> contention_count = 0;
  // COMMITs whose answer never came.
  std::atomic<int64_t> commit_open_count = 0;
  // Those of them given up as UNAVAILABLE `OUTCOME_UNKNOWN`.
  std::atomic<int64_t> outcome_unknown_count = 0;
  // Met by the pool's connections, in transactions or not.
  AlertCounters alerts;
};

struct PoolOptions {
  ConnectionOptions connection;
  // Connections, idle ones included.
  int size_max = 8;
  // One that was idle for longer is asked whether it still lives before it is handed out.
  absl::Duration ping_after_idle = absl::Seconds(5);
  // How old a judgment of the server's durability may be when somebody asks for it.
  absl::Duration durability_age_max = absl::Seconds(10);
};

class Pool;

// A connection on loan. Gives it back when it goes. Thread-compatible; may move between threads.
class Lease {
 public:
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease();

  Connection& operator*() const { return *connection_; }
  Connection* operator->() const { return connection_.get(); }

 private:
  friend class Pool;
  Lease(Pool& pool, std::unique_ptr<Connection> connection)
      : pool_(&pool), connection_(std::move(connection)) {}
  void GiveBack();

  Pool* pool_;
  std::unique_ptr<Connection> connection_;
};

// Hands out connections, never more than `PoolOptions::size_max` at a time, opened when first
// needed.
//
// `Acquire` serves waiters in the order they came. A connection that met an error after which
// nobody knows its state, or that comes back with a transaction open, is closed instead of reused.
//
// Thread-safe. Must outlive every `Lease` that it handed out.
class Pool {
 public:
  explicit Pool(PoolOptions options);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Waits for a connection until `deadline`: then RESOURCE_EXHAUSTED `OVERLOADED`. UNAVAILABLE or
  // INVALID_ARGUMENT, at once, if a new connection was needed and could not be opened.
  absl::StatusOr<Lease> Acquire(absl::Time deadline);

  // Opens a connection beside the pool, for what must not wait behind its users. Neither opening it
  // nor any statement on it takes longer than about `timeout`.
  absl::StatusOr<std::unique_ptr<Connection>> OpenFresh(absl::Duration timeout);

  // Returns what the server was found to be, at most `durability_age_max` ago: by the connection
  // opened last, or else by one that is opened for that alone. UNAVAILABLE, within about two
  // seconds, if the server cannot be asked.
  absl::StatusOr<DurabilityReport> JudgeDurability();

  TransactionCounters& transaction_counters() { return counters_; }
  const PoolOptions& options() const { return options_; }
  // Connections on loan now.
  int leased_count() const;
  // Callers of `Acquire` that wait now.
  int waiting_count() const;

 private:
  friend class Lease;
  struct Idle {
    std::unique_ptr<Connection> connection;
    absl::Time since;
  };
  struct Judgment {
    DurabilityReport report;
    absl::Time time;
  };
  struct Waiter {
    bool is_served = false;
    base::CondVar served;
  };

  // Takes an idle connection that still lives, or opens one. The caller holds a place.
  absl::StatusOr<std::unique_ptr<Connection>> TakeOrOpen();
  void GiveBack(std::unique_ptr<Connection> connection);
  DurabilityReport Remember(const DurabilityReport& report);
  // Passes a place on to the waiter who came first, or frees it.
  void ReleasePlace() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const PoolOptions options_;
  TransactionCounters counters_;
  mutable base::Mutex mutex_;
  int leased_count_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Idle> idle_ ABSL_GUARDED_BY(mutex_);
  std::deque<Waiter*> waiters_ ABSL_GUARDED_BY(mutex_);
  std::optional<Judgment> judgment_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::mysql
