// gateway: the one door for persons. gRPC and JSON in, gRPC to the services; the situation report;
// the console at `/`.

#include <memory>

#include "gateway/gateway.h"
#include "gateway/options.h"
#include "platform/base/clock.h"
#include "platform/config/settings.h"
#include "platform/log/log.h"
#include "platform/rpc/server.h"

int main(int argc, char** argv) {
  using namespace quartermaster;
  config::Settings settings("QM_GATEWAY_", config::ReadEnvironment());
  gateway::Options options;
  options.Declare(settings);
  if (const auto exit_code = rpc::StartProgram(argc, argv, settings, options.server)) {
    return *exit_code;
  }
  const base::SystemClock clock;
  const absl::StatusOr<std::unique_ptr<gateway::Gateway>> gateway =
      gateway::Gateway::Make(options, clock);
  if (!gateway.ok()) {
    log::Error("cannot start", {{"why", gateway.status().message()}});
    log::Stop();
    return 1;
  }
  return rpc::RunServer(options.server, (*gateway)->server_parts());
}
