#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <memory>

namespace quartermaster::rpc {

// Makes what answers bytes that are no request of their method with INVALID_ARGUMENT,
// `MALFORMED_REQUEST`. gRPC by itself would say UNIMPLEMENTED without a word, as if the method did
// not exist, because no handler of ours ever sees such a call.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
MakeMalformedRequestAnswers();

}  // namespace quartermaster::rpc
