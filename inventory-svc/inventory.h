#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "inventory-svc/api/catalog_service.h"
#include "inventory-svc/api/ledger_service.h"
#include "inventory-svc/api/records_service.h"
#include "inventory-svc/api/relay_service.h"
#include "inventory-svc/api/transfers_service.h"
#include "inventory-svc/api/units_service.h"
#include "inventory-svc/history_keeper.h"
#include "inventory-svc/lanes/posting_lanes.h"
#include "inventory-svc/lanes/turn_runner.h"
#include "inventory-svc/storage/mysql_item_store.h"
#include "inventory-svc/storage/mysql_line_books.h"
#include "inventory-svc/storage/mysql_lot_history.h"
#include "inventory-svc/storage/mysql_lot_store.h"
#include "inventory-svc/storage/mysql_record_scopes.h"
#include "inventory-svc/storage/mysql_stock_history.h"
#include "inventory-svc/storage/mysql_stock_queries.h"
#include "inventory-svc/storage/mysql_stock_store.h"
#include "inventory-svc/storage/mysql_transfer_store.h"
#include "inventory-svc/storage/mysql_unit_store.h"
#include "platform/base/clock.h"
#include "platform/base/uuid.h"
#include "platform/mysql/pool.h"
#include "platform/records/feed.h"
#include "platform/rpc/serve.h"
#include "platform/service/program.h"
#include "platform/telemetry/metrics.h"
#include "platform/telemetry/readiness.h"

namespace quartermaster::inventory {

// What it reads and writes by.
struct Connections {
  service::Pools& pools;
  // One for each posting lane.
  mysql::Pool& lanes;
};

// The gRPC interfaces that this program serves, by full name.
const std::vector<absl::string_view>& ServiceNames();

// Everything between the database and gRPC, put together once, for `main` and for tests: stores,
// what is kept in memory, use cases, services.
//
// Thread-safe. What it is given must outlive it.
class Inventory {
 public:
  struct Options {
    // How long a unit or location may be said not to exist after another replica made it.
    absl::Duration look_again_after = absl::Milliseconds(20);
    // Where days begin and end.
    absl::TimeZone time_zone;
    records::FeedOptions feed;
    // How many movements are posted together, and by whom.
    PostingLanes::Options lanes = {};
    TurnRunner::Options turns = {};
    RelayOptions relay = {};
  };

  Inventory(const Connections& connections, const base::Clock& clock, base::UuidSource& uuids,
            const rpc::Serve& serve, telemetry::Metrics& metrics, const Options& options);

  // Takes in what other replicas changed of units and items. The first success makes the service
  // ready.
  absl::Status Refresh(absl::Time deadline);

  // Refreshes once a second, on a thread of its own, until this goes.
  void StartRefreshing();

  // Follows the sealed records for those who watch them, on a thread of its own.
  void StartFeed(telemetry::Metrics& metrics);
  // Ends the streams that are never done by themselves: those of all who watch, and those by which
  // gateways send postings. For when draining begins.
  void EndStreams();

  // Writes down what the books held when, on a thread of its own, until this goes.
  void StartHistory(const HistoryOptions& options, telemetry::Metrics& metrics);

  // Adds what must hold before calls are taken: the tree is loaded, and the lanes move.
  void AddChecks(telemetry::Readiness& readiness);

  // Adds what the connections count. Call it once.
  void AddMetrics(telemetry::Metrics& metrics);

  std::vector<grpc::Service*> services();

 private:
  static constexpr size_t kItemsInMemoryMax = 10'000;

  const Connections connections_;
  MysqlUnitStore unit_store_;
  MysqlItemStore item_store_;
  MysqlStockStore stock_store_;
  MysqlStockQueries queries_;
  MysqlStockHistory history_;
  MysqlLotHistory lot_history_;
  MysqlLineBooks line_books_;
  MysqlLotStore lot_store_;
  MysqlTransferStore transfer_store_;
  UnitDirectory units_;
  ItemDirectory items_;
  MysqlRecordScopes record_scopes_;
  records::Feed feed_;
  UnitRegistry unit_registry_;
  ItemCatalog catalog_;
  StockLedger ledger_;
  // What the lanes see of the books: their own connections, and nobody runs again who waited.
  MysqlStockStore lane_store_;
  TurnRunner turns_;
  PostingLanes lanes_;
  StockReader reader_;
  LotTracer tracer_;
  ConservationProver prover_;
  LotRegister lots_;
  TransferDesk desk_;
  UnitsService units_service_;
  CatalogService catalog_service_;
  LedgerService ledger_service_;
  TransfersService transfers_service_;
  RecordsService records_service_;
  RelayService relay_service_;
  const base::Clock& clock_;
  // Last, so that they end before what they work on.
  std::jthread refresher_;
  std::unique_ptr<HistoryKeeper> history_keeper_;
};

}  // namespace quartermaster::inventory
