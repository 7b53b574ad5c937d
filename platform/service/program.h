#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "platform/auth/authenticator.h"
#include "platform/base/clock.h"
#include "platform/base/uuid.h"
#include "platform/mysql/migrate.h"
#include "platform/mysql/pool.h"
#include "platform/mysql/pool_metrics.h"
#include "platform/records/sealer.h"
#include "platform/rpc/executor.h"
#include "platform/rpc/method_table.h"
#include "platform/rpc/serve.h"
#include "platform/rpc/server.h"
#include "platform/service/service_options.h"
#include "platform/telemetry/metrics.h"
#include "platform/telemetry/readiness.h"

namespace quartermaster::service {

// The connections of each class of calls: as many as the class has threads, so that a call that has
// its turn never waits for one.
struct Pools {
  explicit Pools(const ServiceOptions& options);

  // What each is called in the metrics.
  std::vector<mysql::NamedPool> named();

  // Two more than threads, for what runs beside the calls: refreshes and readiness checks.
  mysql::Pool reads;
  mysql::Pool writes;
  mysql::Pool postings;
  mysql::Pool reports;
  // For what seals and follows the records.
  mysql::Pool records;
};

// What every service with a database stands on, put together once, in the one order in which it
// can also be taken apart: clock, identifiers, metrics, who may call, connections, threads.
//
//   const auto program = Program::Make(options.service, {.name = "planner", …});
//   Planner planner((*program)->pools(), (*program)->serve(), …);
//   (*program)->StartSealing(options.sealer);
//   return (*program)->Run(planner.services());
//
// It is not ready while the schema is not there, or the database not as durable as promised.
// Thread-safe. It must outlive what is made from it.
class Program {
 public:
  struct Parts {
    // In the metrics: `inventory`.
    std::string name;
    // The gRPC interfaces that it serves, by full name.
    std::vector<absl::string_view> interfaces;
    const std::vector<mysql::Migration>& migrations;
    // In place of the machine's own, for tests. Null: the machine's own.
    const base::Clock* clock = nullptr;
    // In place of the one that the options describe, for tests. Null: that one.
    auth::Authenticator* authenticator = nullptr;
  };

  // Fails, naming the method or the file, if an interface lacks an option that we ask for or a file
  // of keys cannot be used.
  static absl::StatusOr<std::unique_ptr<Program>> Make(const ServiceOptions& options,
                                                       const Parts& parts);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  const base::Clock& clock() const { return clock_; }
  base::UuidSource& uuids() { return uuids_; }
  telemetry::Metrics& metrics() { return metrics_; }
  telemetry::Readiness& readiness() { return readiness_; }
  Pools& pools() { return pools_; }
  const rpc::Serve& serve() const { return serve_; }

  // Seals records, on a thread of its own, while this process holds the lease; until this goes,
  // which seals what is left.
  void StartSealing(const records::SealerOptions& options);

  // What `rpc::Server` needs to serve these. `on_draining` as in `rpc::ServerParts`.
  rpc::ServerParts PartsToServe(std::vector<grpc::Service*> services,
                                std::function<void()> on_draining = nullptr);
  // Serves these until SIGTERM or SIGINT. Returns the exit code.
  int Run(std::vector<grpc::Service*> services, std::function<void()> on_draining = nullptr);

 private:
  Program(const ServiceOptions& options, const Parts& parts, rpc::MethodTable methods,
          std::unique_ptr<auth::Authenticator> authenticator);

  const ServiceOptions options_;
  const std::vector<mysql::Migration>& migrations_;
  const base::SystemClock system_clock_;
  const base::Clock& clock_;
  base::UuidSource uuids_;
  telemetry::Metrics metrics_;
  telemetry::Readiness readiness_;
  const rpc::MethodTable methods_;
  const std::unique_ptr<auth::Authenticator> authenticator_;
  Pools pools_;
  rpc::Executors executors_;
  const rpc::Serve serve_;
  // Last, so that it ends before what it works on.
  std::unique_ptr<records::Sealer> sealer_;
};

}  // namespace quartermaster::service
