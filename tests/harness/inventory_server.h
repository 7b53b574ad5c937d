#pragma once

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inventory-svc/inventory.h"
#include "platform/auth/authenticator.h"
#include "platform/base/clock.h"
#include "platform/base/mutex.h"
#include "platform/mysql/pool.h"
#include "platform/rpc/server.h"
#include "platform/rpc/status_codec.h"
#include "platform/service/program.h"
#include "platform/telemetry/metrics.h"
#include "platform/telemetry/readiness.h"
#include "tests/harness/database.h"

namespace quartermaster::testing {

// Knows callers by the name that they bring as `authorization`. Thread-safe.
class FakeAuthenticator final : public auth::Authenticator {
 public:
  absl::StatusOr<base::Caller> Authenticate(const auth::Credentials& credentials,
                                            absl::Time now) override;
  // Gives `name` the permissions in `unit` and all beneath it, besides what it has.
  void Grant(const std::string& name, const std::string& unit,
             const std::vector<std::string>& permissions,
             absl::Time end_time = absl::InfiniteFuture());
  // Takes everything from `name`, who stays a caller.
  void Revoke(const std::string& name);

 private:
  base::Mutex mutex_;
  std::map<std::string, base::Caller> callers_ ABSL_GUARDED_BY(mutex_);
};

// The machine's clock, set wrong. Thread-safe.
class WrongClock final : public base::Clock {
 public:
  explicit WrongClock(absl::Duration ahead) : ahead_(ahead) {}
  absl::Time Now() const override { return clock_.Now() + ahead_; }

 private:
  const base::SystemClock clock_;
  const absl::Duration ahead_;
};

// The inventory service's real objects behind a real port of the loopback, on a test's database,
// as a user with exactly the grants of `runtime.grants`; only who calls is taken on trust.
// Thread-safe.
class InventoryServer {
 public:
  struct Options {
    // False: it learns what other replicas wrote only when it looks for something it does not know.
    bool refreshes = false;
    // True: it seals records and follows them, every few milliseconds.
    bool seals = false;
    // True: it writes down what the books held when, every few milliseconds.
    bool keeps_history = false;
    // How far its clock is ahead of the machine's.
    absl::Duration clock_ahead;
    // Tells who calls, in place of the fake.
    auth::Authenticator* authenticator = nullptr;
    rpc::ServerOptions server = {.program = "inventory-svc", .is_plaintext = true};
    // Replicas learn of each other's units at once.
    inventory::Inventory::Options inventory = {.look_again_after = absl::ZeroDuration()};
  };

  // Starts to serve. Several on one database are replicas.
  static std::unique_ptr<InventoryServer> Start(TestDatabase& database, const Options& options);
  static std::unique_ptr<InventoryServer> Start(TestDatabase& database) {
    return Start(database, Options());
  }
  ~InventoryServer();
  InventoryServer(const InventoryServer&) = delete;
  InventoryServer& operator=(const InventoryServer&) = delete;

  // Makes one call as `caller` and returns the answer, or the error with its details. An empty
  // caller brings no credentials.
  //
  //   server->Call(&v1::Units::Stub::GetUnit, request, "persons/officer")
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request, const std::string& caller,
                                absl::Duration timeout = absl::Seconds(20)) {
    Stub stub(channel_);
    grpc::ClientContext context;
    Prepare(context, caller, timeout);
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) return rpc::FromGrpcStatus(status);
    return response;
  }

  // Prepares a call made by hand.
  void Prepare(grpc::ClientContext& context, const std::string& caller,
               absl::Duration timeout = absl::Seconds(20)) const;

  FakeAuthenticator& authenticator() { return authenticator_; }
  const base::Clock& clock() const { return clock_; }
  telemetry::Metrics& metrics() { return program_->metrics(); }
  telemetry::Readiness& readiness() { return program_->readiness(); }
  inventory::Inventory& inventory() { return inventory_; }
  // A channel in the clear: of no use where the options ask for TLS.
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const std::string& address() const { return server_->address(); }

 private:
  InventoryServer(TestDatabase& database, const Options& options);

  const WrongClock clock_;
  FakeAuthenticator authenticator_;
  const std::unique_ptr<service::Program> program_;
  mysql::Pool lanes_;
  inventory::Inventory inventory_;
  std::unique_ptr<rpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace quartermaster::testing
