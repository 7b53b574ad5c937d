#pragma once

#include <string>

#include "google/rpc/status.pb.h"

namespace quartermaster::gateway {

// Returns the HTTP status that stands for a gRPC code, by the table of google.rpc.Code; 500 for a
// code that has no meaning.
int HttpStatusOf(int grpc_code);

// Renders an error as the body of an HTTP answer: the JSON form of `google.rpc.Status`, its details
// with it. Never fails: details that have no JSON form are left out.
std::string RenderError(const google::rpc::Status& error);

}  // namespace quartermaster::gateway
