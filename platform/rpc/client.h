#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/base/call.h"
#include "platform/config/settings.h"
#include "platform/rpc/tls.h"

namespace quartermaster::rpc {

struct ClientOptions {
  // Where the service is: `host:port`, `dns:///host:port` (calls go round all its addresses), or
  // `unix:/path`.
  std::string target;
  TlsFiles tls;
  // No TLS; possible on loopback and unix sockets only.
  bool is_plaintext = false;
  // Connections to each address. Two, so that a caller who poisons one connection with metadata
  // that HTTP/2 refuses does not take everybody's calls along.
  int connection_count = 2;
  // Methods that may be repeated without harm, as `package.Service/Method` or `package.Service` for
  // all of them: reads, and writes with a request id. These alone are retried, on UNAVAILABLE, at
  // most three attempts, and only while failures are few (one retry for ten good answers).
  std::vector<std::string> idempotent_methods;

  // Declares address and TLS files as `<prefix><name>_ADDRESS` and so on.
  void Declare(config::Settings& settings, absl::string_view name);
};

// The connections to one service. Thread-safe. Lives until the program ends: destroying the last
// channel inside a callback of gRPC deadlocks.
class Channels {
 public:
  // Fails, saying what would be right, for TLS files that cannot be used or plaintext on a network.
  // It does not wait for a connection: the service may start later.
  static absl::StatusOr<std::unique_ptr<Channels>> Make(const ClientOptions& options);

  // Returns the channels in turn.
  const std::shared_ptr<grpc::Channel>& Next() {
    return channels_[next_.fetch_add(1, std::memory_order_relaxed) % channels_.size()];
  }
  const std::vector<std::shared_ptr<grpc::Channel>>& all() const { return channels_; }

 private:
  explicit Channels(std::vector<std::shared_ptr<grpc::Channel>> channels)
      : channels_(std::move(channels)) {}

  const std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::atomic<size_t> next_ = 0;
};

// Returns the deadline for a call made on behalf of one with `deadline`: a twentieth and five
// milliseconds earlier, so that there is time left to answer.
absl::Time DeadlineForCallee(absl::Time deadline, absl::Time now);

// Prepares `context` for a call made on behalf of `call`: its deadline, the trace, and who asks.
// `identity_token` is what goes into metadata `qm-identity`; empty for a call in our own name.
void PrepareContext(const base::Call& call, absl::string_view identity_token, absl::Time now,
                    grpc::ClientContext& context);

}  // namespace quartermaster::rpc
