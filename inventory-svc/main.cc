// inventory-svc: serves `Units`, `Catalog`, `Ledger`, `Transfers` and `Records`;
// `inventory-svc migrate` brings its schema up to date.

#include <algorithm>
#include <iostream>
#include <optional>

#include "inventory-svc/inventory.h"
#include "inventory-svc/options.h"
#include "inventory_migrations.h"
#include "platform/log/log.h"
#include "platform/mysql/connection.h"
#include "platform/mysql/migrate.h"
#include "platform/rpc/server.h"

namespace quartermaster::inventory {
namespace {

int Migrate(const Options& options) {
  const absl::Status migrated = mysql::Migrate(
      {.connection = options.database}, InventoryMigrations(),
      [](const mysql::MigrationStep& step) {
        std::cout << step.migration << "." << step.step << " " << step.name << std::endl;
      });
  if (migrated.ok()) return 0;
  std::cerr << "inventory-svc migrate: " << migrated.message() << std::endl;
  return 1;
}

// What the client library keeps for each thread, on those that run calls.
thread_local std::optional<mysql::DatabaseThread> database_thread;

int Serve(Options options) {
  options.server.executors.thread_started = [] { database_thread.emplace(); };
  options.server.executors.thread_ended = [] { database_thread.reset(); };
  options.authenticator.on_file_problem = [](const absl::Status& problem) {
    log::Error("who may call cannot be read", {{"why", problem.message()}});
  };
  const base::SystemClock clock;
  base::UuidSource uuids(clock);
  telemetry::Metrics metrics("inventory");
  telemetry::Readiness readiness;
  const auto methods = rpc::MethodTable::Load(ServiceNames());
  const auto authenticator = auth::ServiceAuthenticator::Make(options.authenticator);
  for (const absl::Status& status : {methods.status(), authenticator.status()}) {
    if (!status.ok()) {
      log::Error("cannot start", {{"why", std::string(status.message())}});
      return 1;
    }
  }
  const auto pool_of = [&](const rpc::Executors::ClassOptions& calls, int more = 0) {
    return mysql::PoolOptions{.connection = options.database,
                              .size_max = calls.thread_count + more,
                              .durability_age_max = options.durability_age_max};
  };
  // Two connections more for what runs beside the calls: the refresh and the readiness checks.
  mysql::Pool reads(pool_of(options.server.executors.read, 2));
  mysql::Pool writes(pool_of(options.server.executors.write));
  mysql::Pool postings(pool_of(options.server.executors.posting));
  mysql::Pool reports(pool_of(options.server.executors.report));
  mysql::Pool records({.connection = options.database, .size_max = 3});
  mysql::Pool lanes({.connection = ForTurns(options.database, options.inventory.turns.time_max),
                     .size_max = std::max(1, options.inventory.lanes.lane_count)});
  rpc::Executors executors(options.server.executors, clock);
  const rpc::Serve serve({*methods, **authenticator, executors, metrics, clock},
                         options.server.limits);
  Inventory inventory({reads, writes, postings, reports, records, lanes}, clock, uuids, serve,
                      metrics, options.inventory);
  inventory.AddChecks(readiness);
  inventory.AddMetrics(metrics);
  inventory.StartRefreshing();
  inventory.StartSealing(options.sealer, metrics);
  inventory.StartFeed(metrics);
  inventory.StartHistory(options.history, metrics);
  return rpc::RunServer(options.server,
                        {.services = inventory.services(),
                         .serve = serve,
                         .executors = executors,
                         .metrics = metrics,
                         .readiness = readiness,
                         .schema_version = std::string(InventoryMigrations().back().name),
                         .on_draining = [&inventory] {
                           inventory.StopFeed();
                           inventory.CloseRelay();
                         }});
}

}  // namespace
}  // namespace quartermaster::inventory

int main(int argc, char** argv) {
  using namespace quartermaster;
  config::Settings settings("QM_INVENTORY_", config::ReadEnvironment());
  inventory::Options options;
  options.Declare(settings);
  if (const auto exit_code = rpc::StartProgram(argc, argv, settings, options.server))
    return *exit_code;
  if (argc == 2 && absl::string_view(argv[1]) == "migrate") return inventory::Migrate(options);
  return inventory::Serve(options);
}
