#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "gateway/routes/passed_call.h"

namespace quartermaster::gateway {

// Passes the calls of methods that answer with one message on to the programs that own them, as
// bytes: a gRPC service for each interface, made from its descriptor.
//
// gRPC hands a call over with its request, so each costs one step in and one out
// (docs/adr/0075-unary-calls-enter-with-their-request.md). A caller that cancels or whose deadline
// comes has its call cancelled upstream. Thread-safe. It and what it is made from must outlive the
// server that its services are registered with.
class UnaryCalls {
 public:
  explicit UnaryCalls(const PassedCall::Parts& parts);
  ~UnaryCalls();

  const std::vector<grpc::Service*>& services() const { return registered_; }
  // The methods of all of them, as `GatewayMethod::path`.
  const absl::flat_hash_set<std::string>& paths() const { return paths_; }

 private:
  class Call;
  class Service;

  const PassedCall::Parts parts_;
  std::vector<std::unique_ptr<Service>> services_;
  std::vector<grpc::Service*> registered_;
  absl::flat_hash_set<std::string> paths_;
};

}  // namespace quartermaster::gateway
