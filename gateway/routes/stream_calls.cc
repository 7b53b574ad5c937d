#include "gateway/routes/stream_calls.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "platform/base/mutex.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

absl::Status UnknownMethod(absl::string_view path) {
  const std::string name = absl::CHexEscape(path.substr(0, 200));
  return status::MakeError(absl::StatusCode::kUnimplemented,
                           absl::StrCat("there is no method ", name),
                           {.reason = "METHOD_UNKNOWN", .metadata = {{"method", name}}});
}

}  // namespace

// One call. It reads one message, passes it on, and writes as many as the stream answers with, each
// when the one before was taken; what a client sends after the first message is never read. It
// deletes itself when gRPC is done with it.
class StreamCalls::Call final : public grpc::ServerGenericBidiReactor, public Upstream::StreamSink {
 public:
  Call(const PassedCall::Parts& parts, const grpc::GenericCallbackServerContext& context)
      : call_(parts) {
    if (const absl::Status admitted = Admit(parts, context); admitted.ok()) {
      StartRead(&request_);
    } else {
      End(call_.Refuse(admitted));
    }
  }

 private:
  absl::Status Admit(const PassedCall::Parts& parts,
                     const grpc::GenericCallbackServerContext& context) {
    const GatewayMethod* const method = parts.methods.FindByPath(context.method());
    const bool is_ours = method != nullptr && method->descriptor->server_streaming() &&
                         parts.upstreams.contains(method->owner);
    return is_ours ? call_.Admit(*method, context) : UnknownMethod(context.method());
  }

  void OnReadDone(bool ok) override {
    if (!ok) return End(call_.Refuse(RequestMissing()));
    // The end may come, and this object go, before `ForwardStream` returns.
    const std::shared_ptr<Shared> shared = shared_;
    shared->SetStream(
        call_.upstream().ForwardStream(call_.path(), call_.call(), std::move(request_), *this));
  }

  void OnMessage(grpc::ByteBuffer message) override {
    response_ = std::move(message);
    StartWrite(&response_);
  }
  void OnEnd(const grpc::Status& status) override { End(status); }

  void OnWriteDone(bool ok) override {
    // The end comes from upstream, in either case.
    if (!ok) shared_->Cancel();
    shared_->Next();
  }

  void OnCancel() override { shared_->Cancel(); }
  void OnDone() override { delete this; }

  // Called once. This object may be gone when it returns.
  void End(const grpc::Status& status) {
    call_.RecordEnd(status);
    Finish(status);
  }

  // Where cancellation, messages taken and the stream on its way meet, whichever comes first.
  class Shared {
   public:
    void SetStream(std::shared_ptr<Upstream::Stream> stream) {
      base::MutexLock lock(&mutex_);
      if (is_cancelled_) stream->Cancel();
      if (is_next_wanted_) stream->Next();
      stream_ = std::move(stream);
    }
    void Next() {
      base::MutexLock lock(&mutex_);
      if (stream_ == nullptr) {
        is_next_wanted_ = true;
      } else {
        stream_->Next();
      }
    }
    void Cancel() {
      base::MutexLock lock(&mutex_);
      is_cancelled_ = true;
      if (stream_ != nullptr) stream_->Cancel();
    }

   private:
    base::Mutex mutex_;
    bool is_cancelled_ ABSL_GUARDED_BY(mutex_) = false;
    bool is_next_wanted_ ABSL_GUARDED_BY(mutex_) = false;
    std::shared_ptr<Upstream::Stream> stream_ ABSL_GUARDED_BY(mutex_);
  };

  PassedCall call_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

grpc::ServerGenericBidiReactor* StreamCalls::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  return new Call(parts_, *context);
}

}  // namespace quartermaster::gateway
