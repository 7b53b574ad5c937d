#pragma once

#include <google/rpc/status.pb.h>
#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace quartermaster::qmctl {

// Returns what a server answered, with the reason, metadata, field violations and delay that it
// sent along as `google.rpc` details.
absl::Status DecodeStatus(const grpc::Status& status);
// The same for a status inside a response, as `BatchPostMovements` has one for each movement.
absl::Status DecodeStatus(const google::rpc::Status& status);

}  // namespace quartermaster::qmctl
