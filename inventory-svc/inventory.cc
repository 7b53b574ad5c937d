#include "inventory-svc/inventory.h"

#include <utility>

#include "platform/base/status_macros.h"
#include "platform/base/stop_wait.h"
#include "platform/log/log.h"
#include "platform/mysql/connection.h"
#include "platform/mysql/pool_metrics.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

constexpr absl::Duration kRefreshTimeMax = absl::Seconds(5);
constexpr absl::Duration kRefreshInterval = absl::Seconds(1);

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

Inventory::Inventory(const Connections& connections, const base::Clock& clock,
                     base::UuidSource& uuids, const rpc::Serve& serve, telemetry::Metrics& metrics,
                     const Options& options)
    : connections_(connections),
      unit_store_(connections.pools.reads, connections.pools.writes, uuids),
      item_store_(connections.pools.reads, connections.pools.writes, uuids),
      stock_store_(connections.pools.postings),
      queries_(connections.pools.reads, connections.pools.reports),
      history_(connections.pools.reads, connections.pools.reports),
      lot_history_(connections.pools.reads),
      line_books_(connections.pools.reports),
      lot_store_(connections.pools.writes, uuids),
      transfer_store_(connections.pools.reads, connections.pools.writes, stock_store_.balance_ids(),
                      uuids),
      units_(unit_store_, clock, options.look_again_after),
      items_(item_store_, kItemsInMemoryMax),
      record_scopes_(connections.pools.records, units_),
      feed_({connections.pools.records, connections.pools.reads}, record_scopes_, clock,
            options.feed),
      unit_registry_(unit_store_, units_, clock),
      catalog_(item_store_, items_, units_, clock),
      ledger_(stock_store_, units_, items_, clock, uuids),
      lane_store_(connections.lanes, {.transaction = {.reruns_lock_waits = false}},
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
    while (!stop.stop_requested()) {
      const absl::Status refreshed = Refresh(clock_.Now() + kRefreshTimeMax);
      if (!refreshed.ok()) {
        log::Warning("cannot read units and items", {{"why", refreshed.message()}});
      }
      base::WaitUnlessStopped(stop, kRefreshInterval);
    }
  });
}

void Inventory::StartFeed(telemetry::Metrics& metrics) {
  feed_.AddMetrics(metrics);
  feed_.Start();
}

void Inventory::EndStreams() {
  feed_.Stop();
  relay_service_.Close();
}

void Inventory::StartHistory(const HistoryOptions& options, telemetry::Metrics& metrics) {
  history_keeper_ =
      std::make_unique<HistoryKeeper>(connections_.pools.records, clock_, options, metrics);
}

void Inventory::AddChecks(telemetry::Readiness& readiness) {
  readiness.AddCheck("posting lanes", [this] { return lanes_.CheckMoving(); });
  readiness.AddCheck("units", [this] {
    return units_.is_loaded() ? absl::OkStatus()
                              : status::StorageUnavailable("the units were not read yet");
  });
}

void Inventory::AddMetrics(telemetry::Metrics& metrics) {
  std::vector<mysql::NamedPool> pools = connections_.pools.named();
  pools.push_back({"lanes", connections_.lanes});
  mysql::AddPoolMetrics(metrics, std::move(pools));
}

std::vector<grpc::Service*> Inventory::services() {
  return {&units_service_,     &catalog_service_, &ledger_service_,
          &transfers_service_, &records_service_, &relay_service_};
}

}  // namespace quartermaster::inventory
