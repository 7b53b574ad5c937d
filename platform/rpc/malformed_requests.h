#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"

namespace quartermaster::rpc {

// Makes what answers bytes that are no request of their method with INVALID_ARGUMENT,
// `MALFORMED_REQUEST`. gRPC by itself would say UNIMPLEMENTED without a word, as if the method did
// not exist, because no handler of ours ever sees such a call. Calls of `byte_methods`, paths of
// methods whose requests are taken as they are, are left alone, since to look at each costs.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeMalformedRequestAnswers(
    absl::flat_hash_set<std::string> byte_methods);

// What is answered to bytes that are not the message that a method takes.
absl::Status MalformedRequest();

}  // namespace quartermaster::rpc
