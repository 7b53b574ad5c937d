#pragma once

#include <memory>
#include <thread>

#include "absl/time/time.h"
#include "inventory-svc/storage/history_writer.h"
#include "platform/base/clock.h"
#include "platform/config/settings.h"
#include "platform/mysql/pool.h"
#include "platform/telemetry/metrics.h"

namespace quartermaster::inventory {

struct HistoryOptions {
  // Between looks for what was sealed; a full batch is followed by the next at once.
  absl::Duration interval = absl::Milliseconds(200);
  HistoryWriter::Options writer;

  // Declares what an operator may change, as `QM_INVENTORY_HISTORY_INTERVAL` and so on.
  void Declare(config::Settings& settings);
};

// Writes the history on a thread of its own, from when it is made until it goes, using one
// connection. Every replica has one; they take turns by the row that each locks (docs/adr/0060).
// After an error it tries again. What it is given must outlive it.
class HistoryKeeper {
 public:
  HistoryKeeper(mysql::Pool& pool, const base::Clock& clock, const HistoryOptions& options,
                telemetry::Metrics& metrics);

 private:
  void Run(const std::stop_token& stop);

  HistoryWriter writer_;
  const base::Clock& clock_;
  const absl::Duration interval_;
  prometheus::Gauge& sequence_gauge_;
  prometheus::Gauge& lag_gauge_;
  prometheus::Counter& checkpoints_;
  prometheus::Counter& errors_;
  // Last, so that it ends before what it works with.
  std::jthread thread_;
};

}  // namespace quartermaster::inventory
