#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "quartermaster/inventory/v1/ledger.pb.h"
#include "tests/load/target.h"

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

// Makes the request of the `number`-th call. Called from many threads at once, where many call.
using MakeRequest = std::function<inventory::v1::PostMovementRequest(int64_t number)>;

struct RunOptions {
  // Calls in flight: each caller sends its next request when the one before was answered.
  int caller_count = 64;
  // Which the callers share evenly. By JSON each has its own.
  int connection_count = 2;
  absl::Duration warm_up = absl::Milliseconds(300);
  absl::Duration duration = absl::Seconds(1);
  // How long a connection, and the answer to a call, may take.
  absl::Duration call_timeout = absl::Seconds(10);
  // Sent with every call, for instance `authorization`.
  std::vector<std::pair<std::string, std::string>> metadata;
};

// Posts movements by gRPC and measures, on this thread and over connections of its own: the callers
// cost a small part of what they measure. Sends nothing more after `duration` and returns when all
// calls in flight have ended, at the latest when they must have. What a connection that cannot be
// made or that ends leaves unanswered counts as errors.
RunResult RunPostings(const Target& target, const MakeRequest& make_request,
                      const RunOptions& options);

// The same as JSON over HTTP/1.1, which has a connection carry one call at a time: one connection
// for each caller. `address` is `127.0.0.1:port`.
RunResult RunJsonPostings(const std::string& address, const MakeRequest& make_request,
                          const RunOptions& options);

// Sums up the latencies of calls that took place within `duration`.
RunResult Summarize(std::vector<double> latencies_ms, int64_t error_count, std::string first_error,
                    absl::Duration duration);

}  // namespace quartermaster::load
