#pragma once

#include <grpcpp/grpcpp.h>

#include <map>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/routes/call_log.h"
#include "gateway/routes/gate.h"
#include "gateway/routes/gateway_methods.h"
#include "gateway/routes/upstream.h"

namespace quartermaster::gateway {

// A gRPC call on its way through the gateway, from its head to its line in the log.
//
//   known method -> metadata -> who calls -> may they at all -> time left -> request -> upstream
//
// Not thread-safe. `Parts` must outlive it.
class PassedCall {
 public:
  // What calls are passed on with.
  struct Parts {
    const GatewayMethods& methods;
    const Gate& gate;
    // By owner. A method whose owner is not here is not passed on: UNIMPLEMENTED.
    const std::map<Owner, Upstream*> upstreams;
    CallLog& log;
  };

  explicit PassedCall(const Parts& parts) : parts_(parts), start_(parts.gate.clock().Now()) {}

  // Lets it in as a call of `method`, whose owner `Parts` knows. Fails, in this order, with
  // - INVALID_ARGUMENT, `METADATA_NOT_ALLOWED` or `METADATA_TOO_LARGE`;
  // - what `Gate::Admit` fails with.
  absl::Status Admit(const GatewayMethod& method, const grpc::CallbackServerContext& context);

  // Who takes it. After `Admit`.
  Upstream& upstream() const { return *parts_.upstreams.at(method_->owner); }
  const std::string& path() const { return method_->path; }
  const EdgeCall& call() const { return call_; }

  // Renders a refusal of our own. Gives the call a trace if it has none.
  grpc::Status Refuse(const absl::Status& refusal);
  // Counts, times and logs how it ended. Called once.
  void RecordEnd(const grpc::Status& status) const;

 private:
  const Parts& parts_;
  const absl::Time start_;
  // Null if it is no method of ours.
  const GatewayMethod* method_ = nullptr;
  EdgeCall call_;
};

// The refusal of a call without a request.
absl::Status RequestMissing();

}  // namespace quartermaster::gateway
