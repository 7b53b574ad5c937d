#include "inventory-svc/inventory.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "inventory_migrations.h"
#include "platform/base/status_macros.h"
#include "platform/log/log.h"
#include "platform/mysql/connection.h"
#include "platform/mysql/migrate.h"
#include "platform/mysql/pool_metrics.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

constexpr absl::Duration kRefreshTimeMax = absl::Seconds(5);
constexpr std::chrono::seconds kRefreshInterval(1);
// Readiness is asked once a second; who waits longer for the database is not ready.
constexpr absl::Duration kCheckTimeMax = absl::Seconds(1);

PostingLanes::Options WithDatabaseThreads(PostingLanes::Options options) {
  options.run_thread = [](absl::FunctionRef<void()> life) {
    const mysql::DatabaseThread database_thread;
    life();
  };
  return options;
}

}  // namespace

const std::vector<absl::string_view>& ServiceNames() {
  static const auto* const names = new std::vector<absl::string_view>{
      v1::Units::service_full_name(),   v1::Catalog::service_full_name(),
      v1::Ledger::service_full_name(),  v1::Transfers::service_full_name(),
      v1::Records::service_full_name(), internal::v1::Relay::service_full_name()};
  return *names;
}

Inventory::Inventory(const Pools& pools, const base::Clock& clock, base::UuidSource& uuids,
                     const rpc::Serve& serve, telemetry::Metrics& metrics, const Options& options)
    : pools_(pools),
      uuids_(uuids),
      unit_store_(pools.reads, pools.writes, uuids),
      item_store_(pools.reads, pools.writes, uuids),
      stock_store_(pools.postings),
      queries_(pools.reads, pools.reports),
      history_(pools.reads, pools.reports),
      lot_history_(pools.reads),
      line_books_(pools.reports),
      lot_store_(pools.writes, uuids),
      transfer_store_(pools.reads, pools.writes, stock_store_.balance_ids(), uuids),
      units_(unit_store_, clock, options.look_again_after),
      items_(item_store_, kItemsInMemoryMax),
      record_scopes_(pools.records, units_),
      feed_({pools.records, pools.reads}, record_scopes_, clock, options.feed),
      unit_registry_(unit_store_, units_, clock),
      catalog_(item_store_, items_, units_, clock),
      ledger_(stock_store_, units_, items_, clock, uuids),
      lane_store_(pools.lanes, {.transaction = {.reruns_lock_waits = false}},
                  stock_store_.balance_ids()),
      turns_(lane_store_, ledger_, clock, options.turns),
      lanes_(turns_, clock, metrics, WithDatabaseThreads(options.lanes)),
      reader_(queries_, history_, stock_store_, units_, items_, clock, options.time_zone),
      tracer_(lot_history_, history_, stock_store_, units_, items_, clock),
      prover_(line_books_, history_, units_, items_, clock),
      lots_(lot_store_, units_, items_, clock),
      desk_(transfer_store_, history_, stock_store_, ledger_, units_, clock, uuids),
      units_service_(serve, unit_registry_),
      catalog_service_(serve, catalog_),
      ledger_service_(serve, ledger_, reader_, tracer_, prover_, lots_,
                      options.lanes.lane_count > 0 ? &lanes_ : nullptr, clock),
      transfers_service_(serve, desk_),
      records_service_(serve, feed_, units_, clock),
      relay_service_(serve, ledger_, options.lanes.lane_count > 0 ? &lanes_ : nullptr, clock,
                     options.relay),
      clock_(clock) {}

absl::Status Inventory::Refresh(absl::Time deadline) {
  QM_RETURN_IF_ERROR(units_.Refresh(deadline));
  return items_.Refresh(deadline);
}

void Inventory::StartRefreshing() {
  refresher_ = std::jthread([this](std::stop_token stop) {
    const mysql::DatabaseThread database_thread;
    std::mutex mutex;
    std::condition_variable_any stopped;
    while (!stop.stop_requested()) {
      const absl::Status refreshed = Refresh(clock_.Now() + kRefreshTimeMax);
      if (!refreshed.ok()) {
        log::Warning("cannot read units and items", {{"why", refreshed.message()}});
      }
      std::unique_lock lock(mutex);
      stopped.wait_for(lock, stop, kRefreshInterval, [] { return false; });
    }
  });
}

void Inventory::StartSealing(const records::SealerOptions& options, telemetry::Metrics& metrics) {
  sealer_ = std::make_unique<records::Sealer>(pools_.records, clock_, uuids_, options, metrics);
  sealer_->Start();
}

void Inventory::StartFeed(telemetry::Metrics& metrics) {
  feed_.AddMetrics(metrics);
  feed_.Start();
}

void Inventory::StartHistory(const HistoryOptions& options, telemetry::Metrics& metrics) {
  history_keeper_ = std::make_unique<HistoryKeeper>(pools_.records, clock_, options, metrics);
}

void Inventory::AddChecks(telemetry::Readiness& readiness) {
  readiness.AddCheck("schema", [this] {
    return mysql::CheckSchema(pools_.reads, InventoryMigrations(), absl::Now() + kCheckTimeMax);
  });
  readiness.AddCheck("database", [this]() -> absl::Status {
    QM_ASSIGN_OR_RETURN(const mysql::DurabilityReport report, pools_.reads.JudgeDurability());
    return report.ok() ? absl::OkStatus() : status::StorageUnavailable(report.ToString());
  });
  readiness.AddCheck("posting lanes", [this] { return lanes_.CheckMoving(); });
  readiness.AddCheck("units", [this] {
    return units_.is_loaded() ? absl::OkStatus()
                              : status::StorageUnavailable("the units were not read yet");
  });
}

void Inventory::AddMetrics(telemetry::Metrics& metrics) {
  mysql::AddPoolMetrics(metrics, {{"reads", pools_.reads},
                                  {"writes", pools_.writes},
                                  {"postings", pools_.postings},
                                  {"reports", pools_.reports},
                                  {"records", pools_.records},
                                  {"lanes", pools_.lanes}});
}

std::vector<grpc::Service*> Inventory::services() {
  return {&units_service_,     &catalog_service_, &ledger_service_,
          &transfers_service_, &records_service_, &relay_service_};
}

}  // namespace quartermaster::inventory
