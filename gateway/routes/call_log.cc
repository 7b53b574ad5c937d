#include "gateway/routes/call_log.h"

#include <string>

#include "absl/status/status.h"
#include "platform/log/log.h"
#include "platform/rpc/status_codec.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {

CallLog::CallLog(telemetry::Metrics& metrics)
    : calls_(metrics.AddCounter("calls_total", "Calls that ended at the edge, by status code.",
                                {"method", "protocol", "code"})),
      seconds_(metrics.AddHistogram("call_seconds",
                                    "From a call's head until its answer was ready.",
                                    {"method", "protocol"})) {}

void CallLog::Record(const Entry& entry, const grpc::Status& status) {
  const std::string code =
      absl::StatusCodeToString(static_cast<absl::StatusCode>(status.error_code()));
  const std::string method(entry.method);
  const std::string protocol(entry.protocol);
  calls_.With({method, protocol, code}).Increment();
  seconds_.With({method, protocol}).Observe(absl::ToDoubleSeconds(entry.duration));
  const std::string reason =
      status.ok() ? "" : std::string(status::GetReason(rpc::FromGrpcStatus(status)));
  log::Info("edge call", {{"method", method},
                          {"protocol", protocol},
                          {"caller", entry.caller},
                          {"code", code},
                          {"reason", reason},
                          {"duration_us", absl::ToInt64Microseconds(entry.duration)},
                          {"trace_id", entry.trace_id}});
}

}  // namespace quartermaster::gateway
