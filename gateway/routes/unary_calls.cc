#include "gateway/routes/unary_calls.h"

#include <map>
#include <string>
#include <utility>

namespace quartermaster::gateway {

// One call. It deletes itself when gRPC is done with it, which is not before the function that made
// it has returned: neither `OnCancel` nor the answer's end comes while it is being made.
class UnaryCalls::Call final : public grpc::ServerUnaryReactor {
 public:
  Call(const PassedCall::Parts& parts, const GatewayMethod& method,
       const grpc::CallbackServerContext& context, const grpc::ByteBuffer& request,
       grpc::ByteBuffer& response)
      : call_(parts), response_(response) {
    absl::Status admitted = call_.Admit(method, context);
    if (admitted.ok() && !request.Valid()) admitted = RequestMissing();
    if (!admitted.ok()) {
      End(call_.Refuse(admitted));
      return;
    }
    flight_ =
        call_.upstream().Forward(method.path, call_.call(), request,
                                 [this](const grpc::Status& status, grpc::ByteBuffer& answer) {
                                   response_ = std::move(answer);
                                   End(status);
                                 });
  }

 private:
  void OnCancel() override {
    if (flight_ != nullptr) flight_->Cancel();
  }
  void OnDone() override { delete this; }
  // Neither of the two above waits for anything, so gRPC need not hand them to another thread.
  bool InternalInlineable() override { return true; }

  // Called once, on any thread.
  void End(const grpc::Status& status) {
    call_.RecordEnd(status);
    Finish(status);
  }

  PassedCall call_;
  // gRPC's, and what it sends if all went well.
  grpc::ByteBuffer& response_;
  // Null if the call was refused.
  std::shared_ptr<Upstream::Flight> flight_;
};

// The methods of one interface, which what `grpc_cpp_plugin` makes would call raw.
class UnaryCalls::Service final : public grpc::Service {
 public:
  // Both must outlive this.
  void Add(const PassedCall::Parts& parts, const GatewayMethod& method) {
    using Handler = grpc::internal::CallbackUnaryHandler<grpc::ByteBuffer, grpc::ByteBuffer>;
    AddMethod(new grpc::internal::RpcServiceMethod(method.path.c_str(),
                                                   grpc::internal::RpcMethod::NORMAL_RPC, nullptr));
    MarkMethodRawCallback(
        method_count_++,
        new Handler([&parts, &method](grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
          return new Call(parts, method, *context, *request, *response);
        }));
  }

 private:
  int method_count_ = 0;
};

UnaryCalls::UnaryCalls(const PassedCall::Parts& parts) : parts_(parts) {
  std::map<std::string, Service*> by_interface;
  for (const std::unique_ptr<GatewayMethod>& method : parts_.methods.all()) {
    if (method->descriptor->server_streaming() || !parts_.upstreams.contains(method->owner)) {
      continue;
    }
    Service*& service = by_interface[method->descriptor->service()->full_name()];
    if (service == nullptr) {
      services_.push_back(std::make_unique<Service>());
      service = services_.back().get();
      registered_.push_back(service);
    }
    service->Add(parts_, *method);
    paths_.insert(method->path);
  }
}

UnaryCalls::~UnaryCalls() = default;

}  // namespace quartermaster::gateway
