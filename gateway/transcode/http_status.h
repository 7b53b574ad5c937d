#pragma once

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace quartermaster::gateway {

// Returns the HTTP status that stands for a gRPC code, by the table of google.rpc.Code; 500 for a
// code that has no meaning.
int HttpStatusOf(int grpc_code);

// Renders an error as the body of an HTTP answer: the JSON form of `google.rpc.Status`, its details
// with it. Never fails: details that have no JSON form are left out.
std::string RenderError(const grpc::Status& error);
// Renders an error of our own, as `rpc::ToGrpcStatus` would send it.
std::string RenderError(const absl::Status& error, absl::string_view trace_id = "");

}  // namespace quartermaster::gateway
