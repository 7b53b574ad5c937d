#include "gateway/routes/call_log.h"

#include <string>

#include "absl/status/status.h"
#include "platform/log/log.h"
#include "platform/rpc/status_codec.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

// A service that is broken may answer with what is no code at all.
grpc::StatusCode NearestCode(grpc::StatusCode code) {
  return code < grpc::StatusCode::OK || code > grpc::StatusCode::UNAUTHENTICATED
             ? grpc::StatusCode::UNKNOWN
             : code;
}

}  // namespace

CallLog::CallLog(telemetry::Metrics& metrics)
    : calls_(metrics.AddCounter("calls_total", "Calls that ended at the edge, by status code.",
                                {"method", "protocol", "code"})),
      seconds_(metrics.AddHistogram("call_seconds",
                                    "From a call's head until its answer was ready.",
                                    {"method", "protocol"})) {}

void CallLog::Count(const Entry& entry, grpc::StatusCode code, const std::string& code_name) {
  prometheus::Histogram* seconds = nullptr;
  prometheus::Counter* calls = nullptr;
  {
    base::MutexLock lock(&mutex_);
    Found& found = found_[entry.protocol][entry.method];
    if (found.seconds == nullptr) {
      found.seconds = &seconds_.With({std::string(entry.method), std::string(entry.protocol)});
    }
    prometheus::Counter*& counter = found.calls[static_cast<size_t>(code)];
    if (counter == nullptr) {
      counter = &calls_.With({std::string(entry.method), std::string(entry.protocol), code_name});
    }
    seconds = found.seconds;
    calls = counter;
  }
  calls->Increment();
  seconds->Observe(absl::ToDoubleSeconds(entry.duration));
}

void CallLog::Record(const Entry& entry, const grpc::Status& status) {
  const grpc::StatusCode nearest = NearestCode(status.error_code());
  const std::string code = absl::StatusCodeToString(static_cast<absl::StatusCode>(nearest));
  Count(entry, nearest, code);
  const std::string reason =
      status.ok() ? "" : std::string(status::GetReason(rpc::FromGrpcStatus(status)));
  log::Info("edge call", {{"method", entry.method},
                          {"protocol", entry.protocol},
                          {"caller", entry.caller},
                          {"code", code},
                          {"reason", reason},
                          {"duration_us", absl::ToInt64Microseconds(entry.duration)},
                          {"trace_id", entry.trace_id}});
}

}  // namespace quartermaster::gateway
