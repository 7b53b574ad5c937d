#pragma once

#include <grpcpp/support/status.h>

#include <array>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/base/call.h"
#include "platform/base/mutex.h"
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
  // The series of one method by one protocol, looked up once.
  struct Found {
    prometheus::Histogram* seconds = nullptr;
    // By status code; null until a call ends with it.
    std::array<prometheus::Counter*, 17> calls = {};
  };
  void Count(const Entry& entry, grpc::StatusCode code, const std::string& code_name);

  telemetry::CounterSeries& calls_;
  telemetry::HistogramSeries& seconds_;
  base::Mutex mutex_;
  // By protocol and method.
  absl::flat_hash_map<std::string, absl::flat_hash_map<std::string, Found>> found_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::gateway
