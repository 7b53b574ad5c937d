#include "gateway/routes/pass_through.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gateway/routes/metadata.h"
#include "platform/base/mutex.h"
#include "platform/base/status_macros.h"
#include "platform/rpc/status_codec.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

// Beyond every limit on deadlines.
constexpr absl::Duration kFarAway = absl::Hours(24);

absl::Status UnknownMethod(absl::string_view path) {
  const std::string name = absl::CHexEscape(path.substr(0, 200));
  return status::MakeError(absl::StatusCode::kUnimplemented,
                           absl::StrCat("there is no method ", name),
                           {.reason = "METHOD_UNKNOWN", .metadata = {{"method", name}}});
}

absl::Time ReadDeadline(const grpc::GenericCallbackServerContext& context) {
  const std::chrono::system_clock::time_point told = context.deadline();
  return told == std::chrono::system_clock::time_point::max() ? absl::InfiniteFuture()
                                                              : absl::FromChrono(told);
}

}  // namespace

// One call. It reads one message, passes it on, and writes one, or as many as a stream answers
// with, each when the one before was taken; what a client sends after the first message is never
// read. It deletes itself when gRPC is done with it.
class PassThrough::Reactor final : public grpc::ServerGenericBidiReactor,
                                   public Upstream::StreamSink {
 public:
  Reactor(const Parts& parts, const grpc::GenericCallbackServerContext& context)
      : parts_(parts), start_(parts.gate.clock().Now()) {
    if (const absl::Status admitted = Admit(context); admitted.ok()) {
      StartRead(&request_);
    } else {
      Refuse(admitted);
    }
  }

 private:
  absl::Status Admit(const grpc::GenericCallbackServerContext& context) {
    call_.call.trace = TakeTrace("");
    method_ = parts_.methods.FindByPath(context.method());
    if (method_ == nullptr || !parts_.upstreams.contains(method_->owner)) {
      return UnknownMethod(context.method());
    }
    QM_ASSIGN_OR_RETURN(CallerMetadata metadata, TakeMetadata(context.client_metadata()));
    if (!metadata.traceparent.empty()) call_.call.trace = TakeTrace(metadata.traceparent);
    absl::Time deadline = ReadDeadline(context);
    // A stream that nobody bounds lasts as long as any call may.
    if (method_->descriptor->server_streaming()) deadline = std::min(deadline, start_ + kFarAway);
    return parts_.gate.Admit(
        *method_, {.authorization = std::move(metadata.authorization), .deadline = deadline},
        call_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      return Refuse(status::MakeError(absl::StatusCode::kInvalidArgument,
                                      "the call has no request message",
                                      {.reason = "REQUEST_MISSING"}));
    }
    // The answer may come, and this object go, before `Forward` returns; `shared_` outlives both.
    const std::shared_ptr<Shared> shared = shared_;
    if (method_->descriptor->server_streaming()) {
      shared->SetStream(parts_.upstreams.at(method_->owner)
                            ->ForwardStream(method_->path, call_, std::move(request_), *this));
      return;
    }
    std::shared_ptr<Upstream::Flight> flight =
        parts_.upstreams.at(method_->owner)
            ->Forward(method_->path, call_, std::move(request_),
                      [this](const grpc::Status& status, grpc::ByteBuffer& response) {
                        response_ = std::move(response);
                        End(status);
                      });
    shared->SetFlight(std::move(flight));
  }

  void OnMessage(grpc::ByteBuffer message) override {
    response_ = std::move(message);
    StartWrite(&response_);
  }
  void OnEnd(const grpc::Status& status) override { End(status, false); }

  void OnWriteDone(bool ok) override {
    // The end comes from upstream, in either case.
    if (!ok) shared_->Cancel();
    shared_->Next();
  }

  void OnCancel() override { shared_->Cancel(); }
  void OnDone() override { delete this; }

  void Refuse(const absl::Status& refusal) {
    End(rpc::ToGrpcStatus(refusal, call_.call.trace.trace_id));
  }

  // Called once. This object may be gone when it returns.
  void End(const grpc::Status& status, bool has_response = true) {
    parts_.log.Record({.method = method_ == nullptr ? "unknown" : method_->info.name,
                       .protocol = "grpc",
                       .caller = call_.call.caller.name,
                       .trace_id = call_.call.trace.trace_id,
                       .duration = parts_.gate.clock().Now() - start_},
                      status);
    if (status.ok() && has_response) {
      StartWriteAndFinish(&response_, grpc::WriteOptions(), status);
    } else {
      Finish(status);
    }
  }

  // Where cancellation and the call on its way meet, whichever comes first.
  class Shared {
   public:
    void SetFlight(std::shared_ptr<Upstream::Flight> flight) {
      base::MutexLock lock(&mutex_);
      if (is_cancelled_) flight->Cancel();
      flight_ = std::move(flight);
    }
    // The same for a stream, of whose messages one may have been taken already.
    void SetStream(std::shared_ptr<Upstream::Stream> stream) {
      {
        base::MutexLock lock(&mutex_);
        stream_ = stream;
        if (std::exchange(is_next_wanted_, false)) stream->Next();
      }
      SetFlight(std::move(stream));
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
      if (flight_ != nullptr) flight_->Cancel();
    }

   private:
    base::Mutex mutex_;
    bool is_cancelled_ ABSL_GUARDED_BY(mutex_) = false;
    bool is_next_wanted_ ABSL_GUARDED_BY(mutex_) = false;
    std::shared_ptr<Upstream::Flight> flight_ ABSL_GUARDED_BY(mutex_);
    std::shared_ptr<Upstream::Stream> stream_ ABSL_GUARDED_BY(mutex_);
  };

  const Parts& parts_;
  const absl::Time start_;
  const GatewayMethod* method_ = nullptr;
  EdgeCall call_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

grpc::ServerGenericBidiReactor* PassThrough::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  return new Reactor(parts_, *context);
}

}  // namespace quartermaster::gateway
