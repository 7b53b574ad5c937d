#include "platform/records/sealer.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"
#include "platform/base/stop_wait.h"
#include "platform/log/log.h"
#include "platform/records/chain_store.h"

namespace quartermaster::records {
namespace {

// No statement of a turn may take longer to begin, and no read longer to end.
constexpr absl::Duration kTurnTimeMax = absl::Seconds(10);
constexpr absl::Duration kPauseAfterError = absl::Milliseconds(500);

}  // namespace

void SealerOptions::Declare(config::Settings& settings) {
  const std::string prefix = absl::StrCat(settings.prefix(), "SEALER_");
  settings.Duration(prefix + "INTERVAL", &interval,
                    {.min = absl::Milliseconds(10),
                     .max = absl::Minutes(1),
                     .help = "How often the leader looks for records to seal."});
  settings.Int(prefix + "BLOCK_RECORDS_MAX", &block_records_max,
               {.min = 1,
                .max = 10'000,
                .unit = "records",
                .help = "Records of one block, sealed by one transaction."});
  settings.Duration(prefix + "LEASE_TIME", &lease_time,
                    {.min = absl::Seconds(1),
                     .max = absl::Minutes(5),
                     .help = "How long after its last sign of life another replica takes over from "
                             "the leader."});
  settings.Duration(prefix + "STOP_TIME_MAX", &stop_time_max,
                    {.max = absl::Minutes(1),
                     .help = "On shutdown, how long the leader goes on sealing what is left."});
}

Sealer::Sealer(mysql::Pool& pool, const base::Clock& clock, base::UuidSource& uuids,
               const SealerOptions& options, telemetry::Metrics& metrics)
    : pool_(pool),
      clock_(clock),
      holder_(uuids.Next()),
      options_(options),
      is_leader_gauge_(
          metrics.AddGauge("sealer_leader_count", "1 in the replica that seals records.").Only()),
      sequence_gauge_(metrics
                          .AddGauge("sealed_sequence_count",
                                    "Records that this replica has seen sealed, by its "
                                    "own sealing.")
                          .Only()),
      lag_gauge_(metrics
                     .AddGauge("sealer_lag_seconds",
                               "Age of the oldest record that the leader has not sealed.")
                     .Only()),
      sealed_(metrics.AddCounter("sealed_records_total", "Records sealed by this replica.").Only()),
      blocks_(metrics.AddCounter("sealed_blocks_total", "Blocks sealed by this replica.").Only()),
      step_downs_(metrics.AddCounter("sealer_step_downs_total",
                                     "How often this replica stopped to be the leader, by why.",
                                     {"why"})) {}

Sealer::~Sealer() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
}

void Sealer::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    const mysql::DatabaseThread database_thread;
    Run(stop);
  });
}

absl::StatusOr<int> Sealer::TakeTurn() {
  const bool was_leader = is_leader();
  absl::StatusOr<int> sealed = LeadAndSeal();
  if (!sealed.ok()) {
    if (is_leader())
      step_downs_.With({IsDeposed(sealed.status()) ? "deposed" : "error"}).Increment();
    epoch_ = 0;
  }
  if (is_leader() != was_leader) {
    log::Info(is_leader() ? "sealing" : "not sealing any more",
              {{"epoch", epoch_.load()}, {"why", sealed.status().message()}});
  }
  is_leader_gauge_.Set(is_leader() ? 1 : 0);
  return sealed;
}

absl::StatusOr<int> Sealer::LeadAndSeal() {
  const absl::Time start = absl::Now();
  const absl::Time deadline = start + kTurnTimeMax;
  if (!is_leader()) {
    QM_ASSIGN_OR_RETURN(const mysql::Lease connection, pool_.Acquire(deadline));
    connection->set_read_deadline(deadline);
    QM_ASSIGN_OR_RETURN(const std::optional<int64_t> epoch,
                        TakeLease(*connection, holder_, options_.lease_time));
    if (!epoch.has_value()) return 0;
    epoch_ = *epoch;
    renew_time_ = start;
  }
  const absl::Time now = clock_.Now();
  QM_ASSIGN_OR_RETURN(const std::optional<BlockDraft> draft,
                      DraftBlock(pool_, deadline, options_.block_records_max, now));
  if (!draft.has_value()) {
    lag_gauge_.Set(0);
    if (absl::Now() - renew_time_ < options_.lease_time / 3) return 0;
    QM_ASSIGN_OR_RETURN(const mysql::Lease connection, pool_.Acquire(deadline));
    QM_RETURN_IF_ERROR(RenewLease(*connection, epoch_, options_.lease_time));
    renew_time_ = start;
    return 0;
  }
  lag_gauge_.Set(
      std::max(0.0, absl::ToDoubleSeconds(now - draft->records.front().record.record_time)));
  QM_RETURN_IF_ERROR(StoreBlock(pool_, deadline, epoch_, options_.lease_time, *draft));
  renew_time_ = start;
  sealed_.Increment(static_cast<double>(draft->records.size()));
  blocks_.Increment();
  sequence_gauge_.Set(static_cast<double>(draft->block.last_sequence));
  return static_cast<int>(draft->records.size());
}

void Sealer::StepDown() {
  const int64_t epoch = epoch_.exchange(0);
  if (epoch == 0) return;
  is_leader_gauge_.Set(0);
  step_downs_.With({"stop"}).Increment();
  const absl::StatusOr<mysql::Lease> connection = pool_.Acquire(absl::Now() + kTurnTimeMax);
  // If this fails, the others wait for the lease to run out.
  if (connection.ok()) ReleaseLease(**connection, epoch).IgnoreError();
}

void Sealer::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const absl::StatusOr<int> sealed = TakeTurn();
    if (!sealed.ok()) {
      log::Warning("cannot seal records", {{"why", sealed.status().message()}});
      base::WaitUnlessStopped(stop, kPauseAfterError);
    } else if (*sealed < options_.block_records_max) {
      base::WaitUnlessStopped(stop, options_.interval);
    }
  }
  const absl::Time until = absl::Now() + options_.stop_time_max;
  while (is_leader() && absl::Now() < until) {
    const absl::StatusOr<int> sealed = TakeTurn();
    if (!sealed.ok() || *sealed == 0) break;
  }
  StepDown();
}

}  // namespace quartermaster::records
