// inventory-svc: serves `Units`, `Catalog`, `Ledger`, `Transfers` and `Records`;
// `inventory-svc migrate` brings its schema up to date.

#include <algorithm>

#include "absl/strings/string_view.h"
#include "inventory-svc/inventory.h"
#include "inventory-svc/options.h"
#include "inventory_migrations.h"
#include "platform/log/log.h"
#include "platform/service/migrate_command.h"
#include "platform/service/program.h"

namespace quartermaster::inventory {
namespace {

int Serve(const Options& options) {
  const auto program = service::Program::Make(
      options.service,
      {.name = "inventory", .interfaces = ServiceNames(), .migrations = InventoryMigrations()});
  if (!program.ok()) {
    log::Error("cannot start", {{"why", program.status().message()}});
    log::Stop();
    return 1;
  }
  service::Program& ground = **program;
  mysql::Pool lanes(
      {.connection = ForTurns(options.service.database, options.inventory.turns.time_max),
       .size_max = std::max(1, options.inventory.lanes.lane_count)});
  Inventory inventory({ground.pools(), lanes}, ground.clock(), ground.uuids(), ground.serve(),
                      ground.metrics(), options.inventory);
  inventory.AddChecks(ground.readiness());
  inventory.AddMetrics(ground.metrics());
  inventory.StartRefreshing();
  ground.StartSealing(options.sealer);
  inventory.StartFeed(ground.metrics());
  inventory.StartHistory(options.history, ground.metrics());
  return ground.Run(inventory.services(), [&inventory] { inventory.EndStreams(); });
}

}  // namespace
}  // namespace quartermaster::inventory

int main(int argc, char** argv) {
  using namespace quartermaster;
  config::Settings settings("QM_INVENTORY_", config::ReadEnvironment());
  inventory::Options options;
  options.Declare(settings);
  const rpc::ServerOptions& server = options.service.server;
  if (const auto exit_code = rpc::StartProgram(argc, argv, settings, server)) return *exit_code;
  if (argc == 2 && absl::string_view(argv[1]) == "migrate") {
    return service::RunMigrateCommand(server.program, options.service.database,
                                      InventoryMigrations());
  }
  return inventory::Serve(options);
}
