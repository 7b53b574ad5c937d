#include "platform/mysql/pool_metrics.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "platform/base/mutex.h"

namespace quartermaster::mysql {
namespace {

// Makes a series at zero, too: those who watch see the first event as a step.
void CatchUp(prometheus::Counter& counter, const std::atomic<int64_t>& count) {
  counter.Increment(static_cast<double>(count.load()) - counter.Value());
}

}  // namespace

void AddPoolMetrics(telemetry::Metrics& metrics, std::vector<NamedPool> pools) {
  auto& reruns = metrics.AddCounter(
      "database_reruns_total", "Transactions run again after losing a race or a COMMIT.", {"pool"});
  auto& contentions = metrics.AddCounter("database_contentions_total",
                                         "Transactions given up after the last rerun.", {"pool"});
  auto& open_commits = metrics.AddCounter("database_open_commits_total",
                                          "COMMITs whose answer never came.", {"pool"});
  auto& unknown_outcomes = metrics.AddCounter(
      "database_unknown_outcomes_total", "COMMITs whose outcome nobody could settle.", {"pool"});
  auto& alerts = metrics.AddCounter(
      "database_alerts_total",
      "Errors that somebody must look at: a CHECK saw what the domain should have refused, or the "
      "storage is full.",
      {"pool", "reason"});
  auto& connections =
      metrics.AddGauge("database_connections_count", "Connections on loan.", {"pool"});
  auto& waiting = metrics.AddGauge("database_waiting_callers_count",
                                   "Callers waiting for a connection.", {"pool"});
  // Two renders at once would both add what is missing.
  const auto mutex = std::make_shared<base::Mutex>();
  metrics.BeforeRender([=, &reruns, &contentions, &open_commits, &unknown_outcomes, &alerts,
                        &connections, &waiting, pools = std::move(pools)] {
    base::MutexLock lock(mutex.get());
    for (const auto& [name, pool] : pools) {
      const TransactionCounters& counters = pool.transaction_counters();
      CatchUp(reruns.With({name}), counters.rerun_count);
      CatchUp(contentions.With({name}), counters.contention_count);
      CatchUp(open_commits.With({name}), counters.commit_open_count);
      CatchUp(unknown_outcomes.With({name}), counters.outcome_unknown_count);
      CatchUp(alerts.With({name, "CHECK_VIOLATED"}), counters.alerts.check_violated_count);
      CatchUp(alerts.With({name, "STORAGE_FULL"}), counters.alerts.storage_full_count);
      connections.With({name}).Set(pool.leased_count());
      waiting.With({name}).Set(pool.waiting_count());
    }
  });
}

}  // namespace quartermaster::mysql
