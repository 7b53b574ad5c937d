#pragma once

#include <grpcpp/grpcpp.h>

#include <map>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "platform/auth/authenticator.h"
#include "platform/base/call.h"

// What a call brings in its metadata and its connection.
namespace quartermaster::rpc {

using Metadata = std::multimap<grpc::string_ref, grpc::string_ref>;

// Returns a span of the caller's trace, or a trace of its own for a call that brings none, or one
// that cannot be read.
base::TraceContext TakeTrace(const Metadata& metadata);
// The same of one `traceparent`, empty for none.
base::TraceContext TakeTrace(absl::string_view traceparent);

// Returns what the caller says of who it is. UNAUTHENTICATED if it says it twice.
absl::StatusOr<auth::Credentials> TakeCredentials(const grpc::CallbackServerContext& context);

}  // namespace quartermaster::rpc
