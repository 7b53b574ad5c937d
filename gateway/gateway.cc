#include "gateway/gateway.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"
#include "platform/log/log.h"
#include "platform/rpc/address_file.h"
#include "protos/api_files.h"

namespace quartermaster::gateway {
namespace {

constexpr char kPostMovement[] = "/quartermaster.inventory.v1.Ledger/PostMovement";

// Reads alone are tried again: whoever writes knows the request id, and when to give up.
std::vector<std::string> ReadMethods(const GatewayMethods& methods, Owner owner) {
  std::vector<std::string> names;
  for (const std::unique_ptr<GatewayMethod>& method : methods.all()) {
    const rpc::CallClass call_class = method->info.call_class;
    if (method->owner == owner &&
        (call_class == rpc::CallClass::kRead || call_class == rpc::CallClass::kReport)) {
      names.push_back(method->info.name);
    }
  }
  return names;
}

// Postings have places of their own on their way to inventory.
absl::flat_hash_set<std::string> PostingPaths(const GatewayMethods& methods) {
  absl::flat_hash_set<std::string> paths;
  for (const std::unique_ptr<GatewayMethod>& method : methods.all()) {
    if (method->info.call_class == rpc::CallClass::kPosting) paths.insert(method->path);
  }
  return paths;
}

}  // namespace

absl::StatusOr<Gateway::Found> Gateway::Find(const Options& options) {
  QM_ASSIGN_OR_RETURN(GatewayMethods methods, GatewayMethods::Make(PublicInterfaces()));
  QM_ASSIGN_OR_RETURN(RouteTable routes, RouteTable::Make(PublicInterfaces()));
  const absl::string_view own = v1::Overview::service_full_name();
  QM_ASSIGN_OR_RETURN(rpc::MethodTable own_methods,
                      rpc::MethodTable::Load(absl::MakeConstSpan(&own, 1)));
  auth::EdgeAuthenticator::Options who = options.authenticator;
  who.on_file_problem = [](const absl::Status& problem) {
    log::Error("the issuer's keys cannot be read", {{"why", problem.message()}});
  };
  QM_ASSIGN_OR_RETURN(auto authenticator, auth::EdgeAuthenticator::Make(std::move(who)));
  QM_ASSIGN_OR_RETURN(auto minter, auth::IdentityMinter::Make(options.identity_key, {}));
  rpc::ClientOptions client = options.inventory;
  client.idempotent_methods = ReadMethods(methods, Owner::kInventory);
  QM_ASSIGN_OR_RETURN(auto inventory, rpc::Channels::Make(client));
  return Found{.methods = std::move(methods),
               .routes = std::move(routes),
               .own_methods = std::move(own_methods),
               .authenticator = std::move(authenticator),
               .minter = std::move(minter),
               .inventory = std::move(inventory)};
}

absl::StatusOr<std::unique_ptr<Gateway>> Gateway::Make(const Options& options,
                                                       const base::Clock& clock) {
  QM_ASSIGN_OR_RETURN(Found found, Find(options));
  return std::unique_ptr<Gateway>(new Gateway(options, clock, std::move(found)));
}

Gateway::Gateway(const Options& options, const base::Clock& clock, Found found)
    : options_(options),
      clock_(clock),
      found_(std::move(found)),
      metrics_("gateway"),
      executors_(options.server.executors, clock),
      serve_({found_.own_methods, *found_.authenticator, executors_, metrics_, clock},
             options.server.limits),
      report_(options.report, *found_.inventory, clock),
      overview_(serve_, report_, *found_.authenticator, *found_.minter, clock),
      log_(metrics_),
      gate_(*found_.authenticator, *found_.minter, clock, options.server.limits),
      inventory_({.name = "inventory",
                  .calls_max = options.inventory_calls_max,
                  .posting_paths = PostingPaths(found_.methods),
                  .postings_max = options.inventory_postings_max,
                  .shared_path = kPostMovement,
                  .shared = {.stream_count = options.inventory_posting_streams}},
                 found_.inventory->all(), clock),
      passed_({.methods = found_.methods,
               .gate = gate_,
               .upstreams = {{Owner::kInventory, &inventory_}},
               .log = log_}),
      unary_calls_(passed_),
      stream_calls_(passed_) {
  AddGauges();
}

void Gateway::AddGauges() {
  auto& connections =
      metrics_.AddGauge("http_connections_count", "HTTP connections that are open.");
  auto& calls =
      metrics_.AddGauge("upstream_calls_count", "Calls on their way to a service.", {"service"});
  metrics_.BeforeRender([this, &connections, &calls] {
    for (const auto& [owner, service] : passed_.upstreams) {
      calls.With({service->name()}).Set(service->call_count());
    }
    base::MutexLock lock(&mutex_);
    connections.Only().Set(http_ == nullptr ? 0 : http_->connection_count());
  });
}

std::string Gateway::http_address() const {
  base::MutexLock lock(&mutex_);
  return http_ == nullptr ? "" : http_->address();
}

rpc::ServerParts Gateway::server_parts() {
  std::vector<grpc::Service*> services = unary_calls_.services();
  services.push_back(&overview_);
  return {.services = std::move(services),
          .serve = serve_,
          .executors = executors_,
          .metrics = metrics_,
          .readiness = readiness_,
          .generic_service = &stream_calls_,
          .byte_methods = unary_calls_.paths(),
          .on_started = [this](grpc::Server& server) { return StartHttp(server); },
          .on_draining = [this] { StopHttp(); }};
}

absl::Status Gateway::StartHttp(grpc::Server& server) {
  own_ = std::make_unique<Upstream>(
      Upstream::Options{.name = "gateway", .identity = Upstream::Identity::kOwnToken},
      std::vector{server.InProcessChannel({})}, clock_);
  std::map<Owner, Upstream*> upstreams = passed_.upstreams;
  upstreams[Owner::kGateway] = own_.get();
  api_ = std::make_unique<JsonApi>(JsonApi::Parts{.routes = found_.routes,
                                                  .methods = found_.methods,
                                                  .gate = gate_,
                                                  .upstreams = std::move(upstreams),
                                                  .log = log_});
  site_ = std::make_unique<Site>(options_.site, *api_);
  HttpServer::Options http_options = options_.http;
  http_options.on_tls_problem = [](const absl::Status& problem) {
    log::Error("the certificate for HTTPS cannot be read again", {{"why", problem.message()}});
  };
  QM_ASSIGN_OR_RETURN(std::unique_ptr<HttpServer> http, HttpServer::Start(http_options, *site_));
  const std::string address = http->address();
  {
    base::MutexLock lock(&mutex_);
    http_ = std::move(http);
  }
  QM_RETURN_IF_ERROR(rpc::WriteAddressFile(options_.http_address_file, address));
  log::Info("serving http", {{"address", address},
                             {"tls", !options_.http.certificate_file.empty()},
                             {"connections_max", options_.http.connections_max},
                             {"body_bytes_max", options_.http.body_bytes_max}});
  if (options_.authenticator.allow_demo_issuer) {
    log::Warning("DEMO: anyone can make tokens for this gateway; keep nothing real behind it");
  }
  return absl::OkStatus();
}

void Gateway::StopHttp() {
  HttpServer* http = nullptr;
  {
    base::MutexLock lock(&mutex_);
    http = http_.get();
  }
  // It is not destroyed before this.
  if (http != nullptr) http->Stop(absl::Now() + options_.server.drain_time);
}

// Calls that were cut off may still come back, and what they come back to goes away here.
Gateway::~Gateway() {
  if (own_ != nullptr) own_->AwaitNoCalls();
  for (const auto& [owner, service] : passed_.upstreams) service->AwaitNoCalls();
}

}  // namespace quartermaster::gateway
