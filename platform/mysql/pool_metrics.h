#pragma once

#include <string>
#include <vector>

#include "platform/mysql/pool.h"
#include "platform/telemetry/metrics.h"

namespace quartermaster::mysql {

// A pool, and what it is called in the metrics: `reads`.
struct NamedPool {
  std::string name;
  Pool& pool;
};

// Adds what the pools count, read anew for each `Render`, all labeled `pool`:
//
//   database_reruns_total             transactions run again after losing a race
//   database_contentions_total        transactions given up after the last rerun
//   database_open_commits_total       COMMITs whose answer never came
//   database_unknown_outcomes_total   those of them that nobody could settle
//   database_alerts_total             by `reason`: somebody must be woken
//   database_connections_count        connections on loan
//   database_waiting_callers_count    callers waiting for one
//
// Call it once. The pools must outlive `metrics`'s last `Render`.
void AddPoolMetrics(telemetry::Metrics& metrics, std::vector<NamedPool> pools);

}  // namespace quartermaster::mysql
