#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/telemetry/metrics.h"
#include "platform/telemetry/readiness.h"

namespace quartermaster::telemetry {

struct AdminOptions {
  // `host:port`; port 0 takes a free one. Anyone who reaches it can read the metrics, so it is
  // loopback unless the network around it is known.
  std::string address = "127.0.0.1:0";
  // How long a client may take to send its request, and to read the answer.
  absl::Duration connection_time_max = absl::Seconds(2);
};

// Answers operators over HTTP/1.1, from one thread of its own:
// - `GET /livez`: 200 as long as the process can answer at all;
// - `GET /readyz`: 200, or 503 and a line for each check that failed;
// - `GET /metrics`: the metrics in the Prometheus text format.
//
// It serves sixteen connections at a time and one request on each, of at most 8 KiB.
//
// Thread-safe. `metrics` and `readiness` must outlive it. Its destructor ends the thread.
class AdminServer {
 public:
  // Fails with FAILED_PRECONDITION, naming the address, if it cannot listen there.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(const AdminOptions& options,
                                                            Metrics& metrics, Readiness& readiness);
  ~AdminServer();

  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // The address it listens on, with the port that it got.
  const std::string& address() const;

 private:
  class Impl;
  explicit AdminServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace quartermaster::telemetry
