#include "inventory-svc/history_keeper.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "platform/base/stop_wait.h"
#include "platform/log/log.h"
#include "platform/mysql/connection.h"

namespace quartermaster::inventory {
namespace {

constexpr absl::Duration kPauseAfterError = absl::Milliseconds(500);

}  // namespace

void HistoryOptions::Declare(config::Settings& settings) {
  const std::string prefix = absl::StrCat(settings.prefix(), "HISTORY_");
  settings.Duration(prefix + "INTERVAL", &interval,
                    {.min = absl::Milliseconds(10),
                     .max = absl::Minutes(1),
                     .help = "How often the history looks for what was sealed."});
  settings.Int(prefix + "BATCH_RECORDS_MAX", &writer.batch_records_max,
               {.min = 1,
                .max = 5000,
                .unit = "records",
                .help = "Records that the history takes in by one transaction."});
  settings.Duration(prefix + "SETTLE_TIME", &writer.settle_time,
                    {.max = absl::Minutes(1),
                     .help = "How recent a record time can be asked for: long enough for postings "
                             "under way to be sealed."});
  settings.Duration(prefix + "CLOSE_INTERVAL", &writer.close_interval,
                    {.max = absl::Minutes(1),
                     .help = "How often, while nothing is posted, the record times that can be "
                             "asked for are moved on."});
  settings.Int(prefix + "CHECKPOINT_BALANCES_MAX", &writer.checkpoint_balances_max,
               {.min = 1,
                .max = 400,
                .unit = "balances",
                .help = "Balances that one transaction writes daily checkpoints for."});
}

HistoryKeeper::HistoryKeeper(mysql::Pool& pool, const base::Clock& clock,
                             const HistoryOptions& options, telemetry::Metrics& metrics)
    : writer_(pool, clock, options.writer),
      clock_(clock),
      interval_(options.interval),
      sequence_gauge_(
          metrics
              .AddGauge("history_sequence_count", "Sealed records that the history has taken in.")
              .Only()),
      lag_gauge_(metrics
                     .AddGauge("history_lag_seconds",
                               "How long ago the latest record time is that can be asked for.")
                     .Only()),
      checkpoints_(
          metrics
              .AddCounter("history_checkpoints_total", "Daily checkpoints written by this replica.")
              .Only()),
      errors_(metrics
                  .AddCounter("history_errors_total",
                              "Turns of the history that failed and were tried again.")
                  .Only()),
      thread_([this](const std::stop_token& stop) {
        const mysql::DatabaseThread database_thread;
        Run(stop);
      }) {}

void HistoryKeeper::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const absl::StatusOr<std::optional<HistoryWriter::Turn>> turn = writer_.TakeTurn();
    if (!turn.ok()) {
      errors_.Increment();
      log::Warning("cannot write the history", {{"why", turn.status().message()}});
      base::WaitUnlessStopped(stop, kPauseAfterError);
      continue;
    }
    if (turn->has_value()) {
      sequence_gauge_.Set(static_cast<double>((*turn)->sequence));
      lag_gauge_.Set(std::max(0.0, absl::ToDoubleSeconds(clock_.Now() - (*turn)->closed_time)));
      checkpoints_.Increment(static_cast<double>((*turn)->checkpoint_count));
      if ((*turn)->has_more) continue;
    }
    base::WaitUnlessStopped(stop, interval_);
  }
}

}  // namespace quartermaster::inventory
