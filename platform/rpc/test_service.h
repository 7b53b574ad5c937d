#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "platform/auth/authenticator.h"
#include "platform/base/clock.h"
#include "platform/rpc/serve.h"
#include "platform/rpc/server.h"
#include "quartermaster/inventory/v1/ledger.grpc.pb.h"
#include "quartermaster/inventory/v1/units.grpc.pb.h"

// A server for the tests of this folder, with real channels to it and bodies that the tests bring.
namespace quartermaster::rpc {

namespace pb = quartermaster::inventory::v1;

inline constexpr char kGetUnit[] = "quartermaster.inventory.v1.Units/GetUnit";
inline constexpr char kCreateUnit[] = "quartermaster.inventory.v1.Units/CreateUnit";
inline constexpr char kPostMovement[] = "quartermaster.inventory.v1.Ledger/PostMovement";
inline constexpr char kProveConservation[] = "quartermaster.inventory.v1.Ledger/ProveConservation";

// Believes `Bearer clerk units.read,ledger.post`: the name, and what the caller may do at the root.
// A caller with a verified certificate is `systems/` and its SPIFFE id, and may read units.
class FakeAuthenticator final : public auth::Authenticator {
 public:
  absl::StatusOr<base::Caller> Authenticate(const auth::Credentials& credentials,
                                            absl::Time now) override;
};

// `GetUnit` is a read, `CreateUnit` a write.
class TestUnits final : public pb::Units::CallbackService {
 public:
  using Body = std::function<absl::Status(const base::Call&, const pb::GetUnitRequest&, pb::Unit&)>;

  explicit TestUnits(const Serve& serve) : serve_(serve) {}
  grpc::ServerUnaryReactor* GetUnit(grpc::CallbackServerContext* context,
                                    const pb::GetUnitRequest* request, pb::Unit* response) override;
  // Names a method that the table does not have.
  grpc::ServerUnaryReactor* MoveUnit(grpc::CallbackServerContext* context,
                                     const pb::MoveUnitRequest* request,
                                     pb::Unit* response) override;

  // Set before calls come in.
  Body get_unit = [](const base::Call&, const pb::GetUnitRequest& request, pb::Unit& unit) {
    unit.set_name(request.name());
    return absl::OkStatus();
  };

 private:
  const Serve& serve_;
};

// `PostMovement` finishes later, `ProveConservation` is a report.
class TestLedger final : public pb::Ledger::CallbackService {
 public:
  using LaterBody = std::function<void(const base::Call&, Finisher)>;

  explicit TestLedger(const Serve& serve) : serve_(serve) {}
  grpc::ServerUnaryReactor* PostMovement(grpc::CallbackServerContext* context,
                                         const pb::PostMovementRequest* request,
                                         pb::Movement* response) override;
  grpc::ServerUnaryReactor* ProveConservation(grpc::CallbackServerContext* context,
                                              const pb::ProveConservationRequest* request,
                                              pb::ProveConservationResponse* response) override;

  LaterBody post_movement = [](const base::Call&, Finisher finish) {
    std::move(finish)(absl::OkStatus());
  };

 private:
  const Serve& serve_;
};

// Everything a program with these two services has. Plaintext on loopback unless told otherwise.
class TestProgram {
 public:
  TestProgram() : TestProgram(DefaultOptions()) {}
  explicit TestProgram(const ServerOptions& options);
  ~TestProgram();

  static ServerOptions DefaultOptions();

  // Starts to take calls; must succeed.
  void Start();
  ServerParts parts();
  // A channel of its own connection.
  std::shared_ptr<grpc::Channel> Connect();

  const ServerOptions options;
  base::SystemClock clock;
  FakeAuthenticator authenticator;
  telemetry::Metrics metrics{"test"};
  telemetry::Readiness readiness;
  Executors executors;
  MethodTable methods;
  Serve serve;
  TestUnits units{serve};
  TestLedger ledger{serve};
  std::unique_ptr<Server> server;
};

// Makes `context` one of a caller who may do `permissions` (comma separated).
void ActAs(grpc::ClientContext& context, const std::string& name, const std::string& permissions);

}  // namespace quartermaster::rpc
