#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/base/clock.h"
#include "platform/base/uuid.h"
#include "platform/config/settings.h"
#include "platform/mysql/pool.h"
#include "platform/telemetry/metrics.h"

namespace quartermaster::records {

struct SealerOptions {
  // Between looks for what is not sealed; a full block is followed by the next at once.
  absl::Duration interval = absl::Milliseconds(100);
  // Records of one block, and so of one transaction.
  int block_records_max = 1000;
  // How long the others wait for a leader that is gone.
  absl::Duration lease_time = absl::Seconds(5);
  // How long it goes on sealing what is left when it is told to stop.
  absl::Duration stop_time_max = absl::Seconds(2);

  // Declares what an operator may change, as `<prefix>SEALER_INTERVAL` and so on.
  void Declare(config::Settings& settings);
};

// Gives committed records their place in the sealed order, in the background. Every replica runs
// one; the one that holds the lease seals, the others wait for it to run out. Each sealing
// transaction renews the lease by its epoch, so one who was deposed without knowing, because it was
// paused or cut off, changes nothing. After any error it steps down and tries to take the lease
// anew.
//
// `TakeTurn` is the whole of it, for tests; `Start` calls that on a thread of its own. Not
// thread-safe but for `is_leader` and the destructor, which stops the thread: it seals what is
// left, for a bounded time, and gives up the lease. What it is given must outlive it.
class Sealer {
 public:
  Sealer(mysql::Pool& pool, const base::Clock& clock, base::UuidSource& uuids,
         const SealerOptions& options, telemetry::Metrics& metrics);
  ~Sealer();
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  // Seals on a thread of its own until this goes.
  void Start();

  // Takes the lease if that is to be had, and seals one block if anything waits. Returns how many
  // records it sealed. After an error it is not the leader.
  absl::StatusOr<int> TakeTurn();

  // Gives up the lease, if it is held, so that another can take it at once.
  void StepDown();

  bool is_leader() const { return epoch_ != 0; }
  int64_t epoch() const { return epoch_; }

 private:
  absl::StatusOr<int> LeadAndSeal();
  void Run(const std::stop_token& stop);

  mysql::Pool& pool_;
  const base::Clock& clock_;
  const base::Uuid holder_;
  const SealerOptions options_;
  // Of the lease; 0 while it is not ours.
  std::atomic<int64_t> epoch_ = 0;
  // When the lease was last renewed, on the machine's clock.
  absl::Time renew_time_;
  prometheus::Gauge& is_leader_gauge_;
  prometheus::Gauge& sequence_gauge_;
  prometheus::Gauge& lag_gauge_;
  prometheus::Counter& sealed_;
  prometheus::Counter& blocks_;
  telemetry::CounterSeries& step_downs_;
  std::jthread thread_;
};

}  // namespace quartermaster::records
