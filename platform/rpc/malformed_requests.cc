#include "platform/rpc/malformed_requests.h"

#include <utility>

#include "absl/status/status.h"
#include "platform/log/log.h"
#include "platform/rpc/status_codec.h"
#include "platform/status/error.h"

namespace quartermaster::rpc {
namespace {

namespace grpcx = grpc::experimental;

class Answers final : public grpcx::Interceptor {
 public:
  explicit Answers(const char* method) : method_(method) {}

  void Intercept(grpcx::InterceptorBatchMethods* batch) override {
    if (batch->QueryInterceptionHookPoint(grpcx::InterceptionHookPoints::PRE_SEND_STATUS)) {
      const grpc::Status status = batch->GetSendStatus();
      // Our own handlers always give a reason: only gRPC says this without a word.
      if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED &&
          status.error_message().empty() && status.error_details().empty()) {
        log::Info("malformed request", {{"method", method_}});
        batch->ModifySendStatus(ToGrpcStatus(MalformedRequest(), ""));
      }
    }
    batch->Proceed();
  }

 private:
  const char* const method_;
};

class AnswersFactory final : public grpcx::ServerInterceptorFactoryInterface {
 public:
  explicit AnswersFactory(absl::flat_hash_set<std::string> byte_methods)
      : byte_methods_(std::move(byte_methods)) {}

  grpcx::Interceptor* CreateServerInterceptor(grpcx::ServerRpcInfo* info) override {
    return byte_methods_.contains(info->method()) ? nullptr : new Answers(info->method());
  }

 private:
  const absl::flat_hash_set<std::string> byte_methods_;
};

}  // namespace

absl::Status MalformedRequest() {
  return status::MakeError(absl::StatusCode::kInvalidArgument,
                           "the bytes are not a valid request of this method: not its protobuf "
                           "message, or with text that is not UTF-8",
                           {.reason = "MALFORMED_REQUEST"});
}

std::unique_ptr<grpcx::ServerInterceptorFactoryInterface> MakeMalformedRequestAnswers(
    absl::flat_hash_set<std::string> byte_methods) {
  return std::make_unique<AnswersFactory>(std::move(byte_methods));
}

}  // namespace quartermaster::rpc
