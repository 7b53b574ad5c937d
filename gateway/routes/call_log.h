#pragma once

#include <grpcpp/support/status.h>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/base/call.h"
#include "platform/telemetry/metrics.h"

namespace quartermaster::gateway {

// Counts, times and logs each call that ends at the edge: `qm_gateway_calls_total` and
// `qm_gateway_call_seconds`. Thread-safe. The metrics must outlive it.
class CallLog {
 public:
  explicit CallLog(telemetry::Metrics& metrics);

  struct Entry {
    // `quartermaster.inventory.v1.Ledger/PostMovement`, or `unknown` for what is no method of ours.
    absl::string_view method;
    // `grpc` or `http`.
    absl::string_view protocol;
    // Empty if the call was refused before anybody knew.
    absl::string_view caller;
    absl::string_view trace_id;
    absl::Duration duration;
  };
  void Record(const Entry& entry, const grpc::Status& status);

 private:
  telemetry::CounterSeries& calls_;
  telemetry::HistogramSeries& seconds_;
};

}  // namespace quartermaster::gateway
