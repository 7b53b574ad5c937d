#include "platform/rpc/test_service.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "platform/base/check.h"
#include "platform/status/error.h"

namespace quartermaster::rpc {
namespace {

MethodTable LoadMethods() {
  absl::StatusOr<MethodTable> methods =
      MethodTable::Load({"quartermaster.inventory.v1.Units", "quartermaster.inventory.v1.Ledger"});
  QM_CHECK(methods.ok());
  return *std::move(methods);
}

base::Caller MakeCaller(absl::string_view name, absl::string_view permissions) {
  auto set = std::make_shared<base::PermissionSet>();
  for (const absl::string_view permission : absl::StrSplit(permissions, ',', absl::SkipEmpty())) {
    set->emplace(permission);
  }
  return {.name = std::string(name), .grants = {{.unit = "units/root", .permissions = set}}};
}

}  // namespace

absl::StatusOr<base::Caller> FakeAuthenticator::Authenticate(const auth::Credentials& credentials,
                                                             absl::Time) {
  if (!credentials.peer_spiffe_ids.empty()) {
    return MakeCaller(absl::StrCat("systems/", credentials.peer_spiffe_ids[0]), "units.read");
  }
  absl::string_view text = credentials.authorization;
  if (!absl::ConsumePrefix(&text, "Bearer ")) return status::CredentialsInvalid("no bearer token");
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits(' ', 1));
  return MakeCaller(parts.first, parts.second);
}

grpc::ServerUnaryReactor* TestUnits::GetUnit(grpc::CallbackServerContext* context,
                                             const pb::GetUnitRequest* request,
                                             pb::Unit* response) {
  return serve_(context, kGetUnit, *request,
                [=, this](const base::Call& call) { return get_unit(call, *request, *response); });
}

grpc::ServerUnaryReactor* TestUnits::MoveUnit(grpc::CallbackServerContext* context,
                                              const pb::MoveUnitRequest*, pb::Unit*) {
  return serve_(context, "quartermaster.inventory.v1.Units/NoSuchMethod",
                [](const base::Call&) { return absl::OkStatus(); });
}

grpc::ServerUnaryReactor* TestLedger::PostMovement(grpc::CallbackServerContext* context,
                                                   const pb::PostMovementRequest* request,
                                                   pb::Movement*) {
  return serve_.HandOn(
      context, kPostMovement, *request,
      [this](const base::Call& call, Finisher finish) { post_movement(call, std::move(finish)); });
}

grpc::ServerUnaryReactor* TestLedger::ProveConservation(grpc::CallbackServerContext* context,
                                                        const pb::ProveConservationRequest*,
                                                        pb::ProveConservationResponse*) {
  return serve_(context, kProveConservation, [](const base::Call&) { return absl::OkStatus(); });
}

TestProgram::TestProgram(const ServerOptions& wanted)
    : options(wanted),
      executors(options.executors, clock),
      methods(LoadMethods()),
      serve({.methods = methods,
             .authenticator = authenticator,
             .executors = executors,
             .metrics = metrics,
             .clock = clock},
            options.limits) {}

TestProgram::~TestProgram() = default;

ServerOptions TestProgram::DefaultOptions() {
  ServerOptions options;
  options.program = "test-svc";
  options.is_plaintext = true;
  options.drain_time = absl::Seconds(10);
  options.exit_grace = absl::Seconds(10);
  return options;
}

ServerParts TestProgram::parts() {
  return {.services = {&units, &ledger},
          .serve = serve,
          .executors = executors,
          .metrics = metrics,
          .readiness = readiness,
          .schema_version = "7"};
}

void TestProgram::Start() {
  absl::StatusOr<std::unique_ptr<Server>> started = Server::Start(options, parts());
  QM_CHECK(started.ok());
  server = *std::move(started);
}

std::shared_ptr<grpc::Channel> TestProgram::Connect() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(server->address(), grpc::InsecureChannelCredentials(),
                                   arguments);
}

void ActAs(grpc::ClientContext& context, const std::string& name, const std::string& permissions) {
  context.AddMetadata("authorization", absl::StrCat("Bearer ", name, " ", permissions));
}

}  // namespace quartermaster::rpc
