#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "quartermaster/inventory/v1/ledger.pb.h"

namespace quartermaster::load {

// What a run of many callers saw.
struct RunResult {
  int64_t ok_count = 0;
  int64_t error_count = 0;
  // The text of the first error, if there was one.
  std::string first_error;
  double seconds = 0;
  // In milliseconds, over the calls that succeeded.
  double p50_ms = 0;
  double p99_ms = 0;

  double per_second() const { return seconds > 0 ? ok_count / seconds : 0; }
};

// Makes the request of the `number`-th call. Called from many threads.
using MakeRequest = std::function<inventory::v1::PostMovementRequest(int64_t number)>;

struct RunOptions {
  // Calls in flight: each caller sends its next request when the one before was answered.
  int caller_count = 64;
  absl::Duration warm_up = absl::Milliseconds(300);
  absl::Duration duration = absl::Seconds(1);
  // Sent with every call, for instance `authorization`.
  std::vector<std::pair<std::string, std::string>> metadata;
};

// Posts movements over `channels`, in turn, and measures. Bounded by `duration`; returns when all
// calls in flight have ended.
RunResult RunPostings(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                      const MakeRequest& make_request, const RunOptions& options);

// The same as JSON over HTTP/1.1, one connection and one thread for each caller. `address` is
// `127.0.0.1:port`.
RunResult RunJsonPostings(const std::string& address, const MakeRequest& make_request,
                          const RunOptions& options);

// Sums up the latencies of calls that took place within `duration`.
RunResult Summarize(std::vector<double> latencies_ms, int64_t error_count, std::string first_error,
                    absl::Duration duration);

}  // namespace quartermaster::load
