#pragma once

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "gateway/edge/http_server.h"
#include "gateway/options.h"
#include "gateway/overview/overview_service.h"
#include "gateway/overview/situation_report.h"
#include "gateway/routes/call_log.h"
#include "gateway/routes/gate.h"
#include "gateway/routes/gateway_methods.h"
#include "gateway/routes/json_api.h"
#include "gateway/routes/passed_call.h"
#include "gateway/routes/site.h"
#include "gateway/routes/stream_calls.h"
#include "gateway/routes/unary_calls.h"
#include "gateway/routes/upstream.h"
#include "gateway/transcode/route_table.h"
#include "platform/auth/edge_authenticator.h"
#include "platform/auth/identity_minter.h"
#include "platform/base/clock.h"
#include "platform/base/mutex.h"
#include "platform/rpc/client.h"
#include "platform/rpc/executor.h"
#include "platform/rpc/serve.h"
#include "platform/rpc/server.h"
#include "platform/telemetry/metrics.h"
#include "platform/telemetry/readiness.h"

namespace quartermaster::gateway {

// Everything that the gateway is made of, put together; `main` and the tests run it with a server.
// Thread-safe. Must outlive the server.
class Gateway {
 public:
  // Fails, saying what is the matter, if keys, routes or TLS files cannot be used.
  static absl::StatusOr<std::unique_ptr<Gateway>> Make(const Options& options,
                                                       const base::Clock& clock);
  ~Gateway();

  // What `rpc::RunServer` needs. The HTTP side starts and stops with that server.
  rpc::ServerParts server_parts();

  // Empty before the server has started.
  std::string http_address() const;

 private:
  // What can fail to be made.
  struct Found {
    GatewayMethods methods;
    RouteTable routes;
    rpc::MethodTable own_methods;
    std::unique_ptr<auth::EdgeAuthenticator> authenticator;
    std::unique_ptr<auth::IdentityMinter> minter;
    std::unique_ptr<rpc::Channels> inventory;
  };
  static absl::StatusOr<Found> Find(const Options& options);

  Gateway(const Options& options, const base::Clock& clock, Found found);
  // Metrics that are read when they are asked for rather than counted.
  void AddGauges();
  absl::Status StartHttp(grpc::Server& server);
  void StopHttp();

  const Options options_;
  const base::Clock& clock_;
  const Found found_;
  telemetry::Metrics metrics_;
  telemetry::Readiness readiness_;
  rpc::Executors executors_;
  const rpc::Serve serve_;
  SituationReport report_;
  OverviewService overview_;
  CallLog log_;
  const Gate gate_;
  Upstream inventory_;
  const PassedCall::Parts passed_;
  UnaryCalls unary_calls_;
  StreamCalls stream_calls_;
  // Made when the server has started: JSON calls of the gateway's own methods go to it.
  std::unique_ptr<Upstream> own_;
  std::unique_ptr<JsonApi> api_;
  std::unique_ptr<Site> site_;
  mutable base::Mutex mutex_;
  std::unique_ptr<HttpServer> http_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::gateway
