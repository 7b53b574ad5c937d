#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

// Errors as they cross the wire: `absl::Status` with its `ErrorDetail` becomes `grpc::Status` with
// google.rpc details (`ErrorInfo` of domain `quartermaster`, `BadRequest`, `RetryInfo`), and back.
namespace quartermaster::rpc {

inline constexpr char kErrorDomain[] = "quartermaster";

// Renders an error for the caller.
//
// What was not made for callers is kept from them: INTERNAL, UNKNOWN and DATA_LOSS become INTERNAL,
// "internal error" and the trace id; any other error without a reason keeps its code, gets the
// code's name as its reason, and loses its text. `IsHidden` tells when, so that the log has it.
//
// Trailing metadata has a limit of 8 KB at the other end, so long messages are cut, and of many
// field violations only the first go along.
grpc::Status ToGrpcStatus(const absl::Status& status, absl::string_view trace_id);

// Tells whether `ToGrpcStatus` keeps the text of `status` from the caller.
bool IsHidden(const absl::Status& status);

// Restores an error that a service of ours rendered, detail and all. An error that came from
// elsewhere (the transport, a proxy) keeps code and text and has no reason.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace quartermaster::rpc
