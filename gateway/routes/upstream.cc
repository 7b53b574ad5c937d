#include "gateway/routes/upstream.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/auth/authenticator.h"
#include "platform/base/check.h"
#include "platform/base/mutex.h"
#include "platform/base/status_macros.h"
#include "platform/rpc/client.h"
#include "platform/rpc/status_codec.h"
#include "platform/status/caller_overloaded.h"
#include "platform/status/error.h"
#include "platform/telemetry/trace.h"

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

// The context of a call, which goes before the call is counted out: with it goes a reference to the
// channel, and whoever drops the last one within a callback breaks gRPC's queue of them. It is made
// late too, since a call that goes with others needs none.
class Upstream::Context {
 public:
  // For the call alone. Called once, unless the call goes another way.
  grpc::ClientContext& Make() {
    base::MutexLock lock(&mutex_);
    context_ = std::make_unique<grpc::ClientContext>();
    if (is_cancelled_) context_->TryCancel();
    return *context_;
  }

  // On any thread, at any time.
  void TryCancel() {
    base::MutexLock lock(&mutex_);
    is_cancelled_ = true;
    if (context_ != nullptr) context_->TryCancel();
  }

  // When gRPC has ended the call.
  void LetGo() {
    base::MutexLock lock(&mutex_);
    context_.reset();
  }

 private:
  // Guards the end of what is below against its cancellation.
  base::Mutex mutex_;
  bool is_cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<grpc::ClientContext> context_ ABSL_GUARDED_BY(mutex_);
};

// One call, which goes by itself or with those of others.
class Upstream::OneFlight final : public Upstream::Flight,
                                  public SharedCall,
                                  public std::enable_shared_from_this<OneFlight> {
 public:
  OneFlight(Upstream& upstream, Place place, const std::string& path, const EdgeCall& call,
            grpc::ByteBuffer request_bytes, Done when_done)
      : place_(std::move(place)),
        path_(path),
        call_{.call = {.deadline = call.call.deadline, .trace = call.call.trace},
              .authorization = upstream.TellsIdentity() ? "" : call.authorization,
              .identity_token = call.identity_token},
        request_(std::move(request_bytes)),
        upstream_(upstream),
        done_(std::move(when_done)) {}

  // Whichever way it went, or will go.
  void Cancel() override {
    context_.TryCancel();
    if (upstream_.shared_ != nullptr) upstream_.shared_->Cancel(*this);
  }

  // Fills in what it needs to go with others; false if it cannot.
  bool PrepareToShare(absl::Time now) {
    if (request_.Length() > upstream_.options_.shared.request_bytes_max) return false;
    if (!request_.TrySingleSlice(&slice_).ok() && !request_.DumpToSingleSlice(&slice_).ok()) {
      return false;
    }
    request = {reinterpret_cast<const char*>(slice_.begin()), slice_.size()};
    identity = call_.identity_token;
    traceparent = telemetry::RenderTraceparent(call_.call.trace);
    deadline = rpc::DeadlineForCallee(call_.call.deadline, now);
    return true;
  }

  void Answer(const grpc::Status& status, grpc::ByteBuffer response) override {
    response_ = std::move(response);
    End(status);
  }

  void GoAlone() override {
    grpc::ClientContext& context = context_.Make();
    upstream_.Prepare(call_, context);
    upstream_.NextStub().UnaryCall(
        &context, path_, grpc::StubOptions(), &request_, &response_,
        [self = shared_from_this()](const grpc::Status& status) { self->End(status); });
  }

  void Refuse(const grpc::Status& refusal) { done_(refusal, response_); }

 private:
  void End(const grpc::Status& status) {
    context_.LetGo();
    upstream_.LeavePlace(place_);
    // What `done` holds may hold this.
    Done answer = std::move(done_);
    answer(upstream_.Judge(status, call_.call.trace.trace_id), response_);
    upstream_.EndCall();
  }

  const Place place_;
  const std::string& path_;
  // As much of it as is told to the other end.
  const EdgeCall call_;
  Context context_;
  grpc::ByteBuffer request_;
  // The bytes of `request_` in one piece, once they go with others.
  grpc::Slice slice_;
  grpc::ByteBuffer response_;
  Upstream& upstream_;
  Done done_;
};

// The client's side of a stream. Kept alive by itself until gRPC is done with it; held back from
// that until a read has failed, so that `Next` always finds it.
class Upstream::OneStream final
    : public Upstream::Stream,
      public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  OneStream(Upstream& upstream, Place place, absl::string_view trace, grpc::ByteBuffer request,
            StreamSink& sink)
      : place_(std::move(place)),
        upstream_(upstream),
        trace_id_(trace),
        request_(std::move(request)),
        sink_(sink) {}

  void Start(const std::string& path, const EdgeCall& call, std::shared_ptr<OneStream> self) {
    self_ = std::move(self);
    grpc::ClientContext& context = context_.Make();
    upstream_.Prepare(call, context);
    upstream_.NextStub().PrepareBidiStreamingCall(&context, path, grpc::StubOptions(), this);
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
    context_.LetGo();
    upstream_.LeavePlace(place_);
    sink_.OnEnd(upstream_.Judge(status, trace_id_));
    upstream_.EndCall();
  }

  const Place place_;
  Upstream& upstream_;
  const std::string trace_id_;
  Context context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer message_;
  StreamSink& sink_;
  std::shared_ptr<OneStream> self_;
};

Upstream::Upstream(const Options& options,
                   const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                   const base::Clock& clock)
    : options_(options),
      clock_(clock),
      calls_(options.calls_max),
      streams_(options.streams_max),
      postings_(options.postings_max) {
  QM_CHECK(!channels.empty());
  for (const std::shared_ptr<grpc::Channel>& channel : channels) {
    stubs_.push_back(std::make_unique<grpc::GenericStub>(channel));
  }
  if (!options_.shared_path.empty() && options_.shared.stream_count > 0) {
    shared_ = std::make_unique<SharedCalls>(options_.shared, channels, clock_);
  }
}

std::shared_ptr<Upstream::Flight> Upstream::Forward(const std::string& path, const EdgeCall& call,
                                                    grpc::ByteBuffer request, Done done) {
  const Place place = {.kind = options_.posting_paths.contains(path) ? Kind::kPosting : Kind::kCall,
                       .caller = call.call.caller.name};
  const auto flight =
      std::make_shared<OneFlight>(*this, place, path, call, std::move(request), std::move(done));
  if (const absl::Status refusal = BeginCall(place); !refusal.ok()) {
    flight->Refuse(rpc::ToGrpcStatus(refusal, call.call.trace.trace_id));
    return flight;
  }
  const bool may_share =
      shared_ != nullptr && path == options_.shared_path && flight->PrepareToShare(clock_.Now());
  if (!may_share || !shared_->Take(flight)) flight->GoAlone();
  return flight;
}

std::shared_ptr<Upstream::Stream> Upstream::ForwardStream(const std::string& path,
                                                          const EdgeCall& call,
                                                          grpc::ByteBuffer request,
                                                          StreamSink& sink) {
  const Place place = {.kind = Kind::kStream, .caller = call.call.caller.name};
  const auto stream =
      std::make_shared<OneStream>(*this, place, call.call.trace.trace_id, std::move(request), sink);
  if (const absl::Status refusal = BeginCall(place); !refusal.ok()) {
    sink.OnEnd(rpc::ToGrpcStatus(refusal, call.call.trace.trace_id));
    return stream;
  }
  stream->Start(path, call, stream);
  return stream;
}

void Upstream::Prepare(const EdgeCall& call, grpc::ClientContext& context) const {
  rpc::PrepareContext(call.call, TellsIdentity() ? call.identity_token : "", clock_.Now(), context);
  if (!TellsIdentity()) context.AddMetadata("authorization", call.authorization);
}

absl::Status Upstream::CheckRoom(const base::FairShare& places, absl::string_view what,
                                 absl::string_view caller) const {
  switch (places.Judge(caller)) {
    case base::FairShare::Room::kEnough:
      return absl::OkStatus();
    case base::FairShare::Room::kNoneAtAll:
      return status::Overloaded(
          absl::StrCat("too many ", what, " to ", options_.name, " are under way"), kRetryWhenFull);
    case base::FairShare::Room::kNoneForThisCaller:
      return status::CallerOverloaded(places, caller, what, kRetryWhenFull);
  }
  QM_CHECK(false);
  return absl::OkStatus();
}

absl::Status Upstream::BeginCall(const Place& place) {
  base::MutexLock lock(&mutex_);
  base::FairShare& places = PlacesOf(place.kind);
  const absl::string_view what = place.kind == Kind::kPosting ? "postings" : "calls";
  QM_RETURN_IF_ERROR(CheckRoom(places, what, place.caller));
  if (place.kind == Kind::kStream) {
    QM_RETURN_IF_ERROR(CheckRoom(streams_, "streams", place.caller));
    streams_.Take(place.caller);
  }
  places.Take(place.caller);
  return absl::OkStatus();
}

void Upstream::LeavePlace(const Place& place) {
  base::MutexLock lock(&mutex_);
  PlacesOf(place.kind).Leave(place.caller);
  if (place.kind == Kind::kStream) streams_.Leave(place.caller);
  ++ending_count_;
}

void Upstream::EndCall() {
  base::MutexLock lock(&mutex_);
  if (--ending_count_ == 0 && PlaceCount() == 0) no_calls_.SignalAll();
}

int Upstream::call_count() const {
  base::MutexLock lock(&mutex_);
  return PlaceCount();
}

void Upstream::AwaitNoCalls() const {
  const auto is_none = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return PlaceCount() == 0 && ending_count_ == 0;
  };
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
