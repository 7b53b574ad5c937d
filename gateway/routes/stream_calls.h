#pragma once

#include <grpcpp/generic/async_generic_service.h>

#include "gateway/routes/passed_call.h"

namespace quartermaster::gateway {

// Passes the calls of methods that answer with a stream on to the programs that own them, as bytes,
// and refuses those of methods that nobody knows.
//
// A caller that cancels or whose deadline comes has its call cancelled upstream. Thread-safe. What
// it is made from must outlive the server that it is registered with.
class StreamCalls final : public grpc::CallbackGenericService {
 public:
  explicit StreamCalls(const PassedCall::Parts& parts) : parts_(parts) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

 private:
  class Call;

  const PassedCall::Parts parts_;
};

}  // namespace quartermaster::gateway
