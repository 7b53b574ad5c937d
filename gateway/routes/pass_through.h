#pragma once

#include <grpcpp/generic/async_generic_service.h>

#include <map>

#include "gateway/routes/call_log.h"
#include "gateway/routes/gate.h"
#include "gateway/routes/gateway_methods.h"
#include "gateway/routes/upstream.h"

namespace quartermaster::gateway {

// Passes gRPC calls on to the programs that own their methods, as bytes.
//
//   known method -> metadata -> who calls -> may they at all -> time left -> request -> upstream
//
// A caller that cancels or whose deadline comes has its call cancelled upstream. Thread-safe. What
// it is made from must outlive the server that it is registered with.
class PassThrough final : public grpc::CallbackGenericService {
 public:
  struct Parts {
    const GatewayMethods& methods;
    const Gate& gate;
    // By owner. A method whose owner is not here is not passed on: UNIMPLEMENTED.
    const std::map<Owner, Upstream*> upstreams;
    CallLog& log;
  };

  explicit PassThrough(const Parts& parts) : parts_(parts) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

 private:
  class Reactor;

  const Parts parts_;
};

}  // namespace quartermaster::gateway
