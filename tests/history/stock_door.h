#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace quartermaster::testing {

// A way to the ledger in one caller's name. What is answered is the same whichever way it is, so a
// request may be repeated by another. Thread-safe.
class StockDoor {
 public:
  virtual ~StockDoor() = default;
  // Makes one call of the method whose request this is, and waits for its answer until `deadline`.
  // Returns the error as the service told it; DATA_LOSS if the answer cannot be read.
  virtual absl::Status Call(const google::protobuf::Message& request, absl::Time deadline,
                            google::protobuf::Message& response) = 0;
};

// By gRPC. `prepare` adds what a call must carry to be its caller's.
std::unique_ptr<StockDoor> MakeGrpcDoor(std::shared_ptr<grpc::Channel> channel,
                                        std::function<void(grpc::ClientContext&)> prepare);
// By JSON, under the route that the protos give each method, at the gateway's HTTP port; a
// connection for each call. Written with protobuf's own JSON, so that the gateway's is not tested
// against itself.
std::unique_ptr<StockDoor> MakeJsonDoor(std::string address, std::string token);

}  // namespace quartermaster::testing
