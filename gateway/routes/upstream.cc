#include "gateway/routes/upstream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/auth/authenticator.h"
#include "platform/base/check.h"
#include "platform/rpc/client.h"
#include "platform/rpc/status_codec.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

constexpr absl::Duration kRetryWhenFull = absl::Milliseconds(100);
constexpr absl::Duration kRetryWhenDown = absl::Seconds(1);

}  // namespace

absl::Status ServiceUnavailable(absl::string_view service, absl::Time since) {
  return status::MakeError(
      absl::StatusCode::kUnavailable,
      absl::StrCat("the service ", service, " has not answered since ",
                   absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", since, absl::UTCTimeZone()),
                   "; a write may be repeated with the same request_id"),
      {.reason = "SERVICE_UNAVAILABLE",
       .metadata = {{"service", std::string(service)}},
       .retry_after = kRetryWhenDown});
}

class Upstream::OneFlight final : public Upstream::Flight {
 public:
  OneFlight(absl::string_view trace, grpc::ByteBuffer request_bytes, Done when_done)
      : trace_id(trace), request(std::move(request_bytes)), done(std::move(when_done)) {}

  void Cancel() override { context.TryCancel(); }

  const std::string trace_id;
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
  Done done;
};

// The client's side of a stream. Kept alive by itself until gRPC is done with it; held back from
// that until a read has failed, so that `Next` always finds it.
class Upstream::OneStream final
    : public Upstream::Stream,
      public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  OneStream(Upstream& upstream, absl::string_view trace, grpc::ByteBuffer request, StreamSink& sink)
      : upstream_(upstream), trace_id_(trace), request_(std::move(request)), sink_(sink) {}

  grpc::ClientContext& context() { return context_; }

  void Start(std::shared_ptr<OneStream> self) {
    self_ = std::move(self);
    AddHold();
    StartWriteLast(&request_, grpc::WriteOptions());
    StartRead(&message_);
    StartCall();
  }

  void Next() override { StartRead(&message_); }
  void Cancel() override { context_.TryCancel(); }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return RemoveHold();
    sink_.OnMessage(std::move(message_));
  }

  void OnDone(const grpc::Status& status) override {
    const std::shared_ptr<OneStream> self = std::move(self_);
    sink_.OnEnd(upstream_.Judge(status, trace_id_));
    upstream_.EndCall(true);
  }

  Upstream& upstream_;
  const std::string trace_id_;
  grpc::ClientContext context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer message_;
  StreamSink& sink_;
  std::shared_ptr<OneStream> self_;
};

Upstream::Upstream(const Options& options,
                   const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                   const base::Clock& clock)
    : options_(options), clock_(clock) {
  QM_CHECK(!channels.empty());
  for (const std::shared_ptr<grpc::Channel>& channel : channels) {
    stubs_.push_back(std::make_unique<grpc::GenericStub>(channel));
  }
}

std::shared_ptr<Upstream::Flight> Upstream::Forward(const std::string& path, const EdgeCall& call,
                                                    grpc::ByteBuffer request, Done done) {
  const auto flight =
      std::make_shared<OneFlight>(call.call.trace.trace_id, std::move(request), std::move(done));
  if (!BeginCall()) {
    flight->done(TooMany(flight->trace_id), flight->response);
    return flight;
  }
  Prepare(call, flight->context);
  NextStub().UnaryCall(&flight->context, path, grpc::StubOptions(), &flight->request,
                       &flight->response, [this, flight](const grpc::Status& status) {
                         // What `done` holds may hold the flight.
                         Done answer = std::move(flight->done);
                         answer(Judge(status, flight->trace_id), flight->response);
                         EndCall();
                       });
  return flight;
}

std::shared_ptr<Upstream::Stream> Upstream::ForwardStream(const std::string& path,
                                                          const EdgeCall& call,
                                                          grpc::ByteBuffer request,
                                                          StreamSink& sink) {
  const auto stream =
      std::make_shared<OneStream>(*this, call.call.trace.trace_id, std::move(request), sink);
  if (!BeginCall(true)) {
    sink.OnEnd(TooMany(call.call.trace.trace_id));
    return stream;
  }
  Prepare(call, stream->context());
  NextStub().PrepareBidiStreamingCall(&stream->context(), path, grpc::StubOptions(), stream.get());
  stream->Start(stream);
  return stream;
}

void Upstream::Prepare(const EdgeCall& call, grpc::ClientContext& context) const {
  const bool is_signed = options_.identity == Identity::kSigned;
  rpc::PrepareContext(call.call, is_signed ? call.identity_token : "", clock_.Now(), context);
  if (!is_signed) context.AddMetadata("authorization", call.authorization);
}

grpc::Status Upstream::TooMany(absl::string_view trace_id) const {
  return rpc::ToGrpcStatus(
      status::Overloaded(absl::StrCat("too many calls to ", options_.name, " are under way"),
                         kRetryWhenFull),
      trace_id);
}

bool Upstream::BeginCall(bool is_stream) {
  base::MutexLock lock(&mutex_);
  if (call_count_ >= options_.calls_max) return false;
  if (is_stream && stream_count_ >= options_.streams_max) return false;
  ++call_count_;
  if (is_stream) ++stream_count_;
  return true;
}

void Upstream::EndCall(bool is_stream) {
  base::MutexLock lock(&mutex_);
  if (is_stream) --stream_count_;
  if (--call_count_ == 0) no_calls_.SignalAll();
}

int Upstream::call_count() const {
  base::MutexLock lock(&mutex_);
  return call_count_;
}

void Upstream::AwaitNoCalls() const {
  const auto is_none = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return call_count_ == 0; };
  base::MutexLock lock(&mutex_);
  no_calls_.Await(&mutex_, is_none);
}

grpc::Status Upstream::Judge(const grpc::Status& status, absl::string_view trace_id) {
  if (status.ok() || !status.error_details().empty()) {
    availability_.Succeeded();
    return status;
  }
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return rpc::ToGrpcStatus(
          ServiceUnavailable(options_.name, availability_.Failed(clock_.Now())), trace_id);
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return rpc::ToGrpcStatus(
          status::DeadlineExceeded(absl::StrCat(options_.name, " did not answer in time")),
          trace_id);
    default:
      return rpc::ToGrpcStatus(rpc::FromGrpcStatus(status), trace_id);
  }
}

}  // namespace quartermaster::gateway
