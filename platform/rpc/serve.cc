#include "platform/rpc/serve.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/log/log.h"
#include "platform/rpc/incoming.h"
#include "platform/rpc/status_codec.h"
#include "platform/status/error.h"

namespace quartermaster::rpc {
namespace {

constexpr int kCodeCount = 17;
// What HTTP/2 adds to each header when it counts (RFC 9113, section 6.5.2).
constexpr size_t kMetadataEntryBytes = 32;

// Catches everything: what a body throws is our own fault, and must cost one call, not the process.
// What runs on threads of its own, as the posting lanes do, has a guard of its own
// (platform/base/catch_all.h).
template <typename F>
absl::Status Guarded(F&& body) {
  try {
    return body();
  } catch (const std::exception& exception) {
    return status::Internal(absl::StrCat("exception: ", exception.what()));
  } catch (...) {
    return status::Internal("exception of an unknown type");
  }
}

}  // namespace

// A method and its metrics, looked up once.
struct MethodState {
  MethodInfo info;
  prometheus::Histogram* duration = nullptr;
  // By status code; made when a code first occurs.
  mutable std::array<std::atomic<prometheus::Counter*>, kCodeCount> calls = {};
};

class Serve::State {
 public:
  State(const Parts& parts, const Limits& limits)
      : parts_(parts),
        limits_(limits),
        calls_(parts.metrics.AddCounter("rpc_calls_total", "Calls that ended, by status code.",
                                        {"method", "code"})),
        cancelled_(parts.metrics
                       .AddCounter("rpc_cancelled_calls_total",
                                   "Calls whose caller hung up, or whose deadline came, before "
                                   "they ended.")
                       .Only()),
        durations_(parts.metrics.AddHistogram("rpc_duration_seconds",
                                              "From the call's arrival until its answer was ready.",
                                              {"method"})),
        live_(parts.metrics.AddGauge("rpc_live_calls_count", "Calls that have not ended.")),
        queued_(parts.metrics.AddGauge("rpc_queued_calls_count", "Calls waiting for a thread.",
                                       {"class"})),
        running_(
            parts.metrics.AddGauge("rpc_running_calls_count", "Calls on a thread.", {"class"})),
        lost_lines_(
            parts.metrics
                .AddGauge("log_lost_lines_count", "Log lines lost: the queue or the disk was full.")
                .Only()) {
    for (const MethodInfo& info : parts.methods.methods()) {
      auto& method = methods_[info.name];
      method = std::make_unique<MethodState>();
      method->info = info;
      method->duration = &durations_.With({info.name});
    }
    parts.metrics.BeforeRender([this] { RefreshGauges(); });
  }

  const Parts& parts() const { return parts_; }
  LiveCalls& live_calls() { return live_calls_; }

  const MethodState* FindMethod(absl::string_view name) const {
    const auto found = methods_.find(name);
    return found == methods_.end() ? nullptr : found->second.get();
  }

  void Count(const MethodState& method, absl::StatusCode code, absl::Duration duration) const {
    auto& counter = method.calls[static_cast<size_t>(code) % kCodeCount];
    prometheus::Counter* calls = counter.load(std::memory_order_acquire);
    if (calls == nullptr) {
      calls = &calls_.With({method.info.name, absl::StatusCodeToString(code)});
      counter.store(calls, std::memory_order_release);
    }
    calls->Increment();
    method.duration->Observe(absl::ToDoubleSeconds(duration));
  }

  void CountCancelled() const { cancelled_.Increment(); }

  absl::Status CheckMetadata(const Metadata& metadata) const {
    size_t bytes = 0;
    for (const auto& [key, value] : metadata) {
      bytes += key.size() + value.size() + kMetadataEntryBytes;
    }
    if (bytes <= limits_.metadata_bytes_max) return absl::OkStatus();
    return status::MakeError(
        absl::StatusCode::kInvalidArgument,
        absl::StrCat("the metadata has ", bytes, " bytes; at most ", limits_.metadata_bytes_max,
                     " are allowed"),
        {.reason = "METADATA_TOO_LARGE",
         .metadata = {{"size", absl::StrCat(bytes)},
                      {"size_max", absl::StrCat(limits_.metadata_bytes_max)}}});
  }

  absl::StatusOr<absl::Time> TakeDeadline(std::chrono::system_clock::time_point told,
                                          absl::Time now) const {
    if (told == std::chrono::system_clock::time_point::max()) {
      return now + limits_.default_deadline;
    }
    return BoundDeadline(absl::FromChrono(told), now);
  }

  absl::StatusOr<absl::Time> BoundDeadline(absl::Time deadline, absl::Time now) const {
    if (deadline - now < limits_.time_left_min) {
      return status::DeadlineExceeded("too little was left when the call arrived");
    }
    return std::min(deadline, now + limits_.deadline_max);
  }

 private:
  void RefreshGauges() {
    live_.Only().Set(static_cast<double>(live_calls_.count()));
    lost_lines_.Set(static_cast<double>(log::LostLineCount()));
    for (const CallClass call_class : kCallClasses) {
      const Executors::Load load = parts_.executors.GetLoad(call_class);
      const std::string name(CallClassName(call_class));
      queued_.With({name}).Set(static_cast<double>(load.queued_count));
      running_.With({name}).Set(static_cast<double>(load.running_count));
    }
  }

  const Parts parts_;
  const Limits limits_;
  telemetry::CounterSeries& calls_;
  prometheus::Counter& cancelled_;
  telemetry::HistogramSeries& durations_;
  telemetry::GaugeSeries& live_;
  telemetry::GaugeSeries& queued_;
  telemetry::GaugeSeries& running_;
  prometheus::Gauge& lost_lines_;
  absl::flat_hash_map<std::string, std::unique_ptr<MethodState>> methods_;
  LiveCalls live_calls_;
};

// One call from its arrival to its end: who makes it, what is counted and said of it.
class ServedCall {
 public:
  // `context` is null for a call that came within a stream.
  ServedCall(Serve::State& state, grpc::CallbackServerContext* context, const MethodState& method)
      : state_(state), context_(context), method_(method), start_(state.parts().clock.Now()) {
    state_.live_calls().Add(this, method_.info.name, start_);
  }
  ~ServedCall() { state_.live_calls().Remove(this); }
  ServedCall(const ServedCall&) = delete;
  ServedCall& operator=(const ServedCall&) = delete;

  // Finds out who calls, until when, and whether they may call this method at all.
  absl::Status Admit() {
    QM_RETURN_IF_ERROR(TakeMetadata());
    QM_ASSIGN_OR_RETURN(call_.deadline, state_.TakeDeadline(context_->deadline(), start_));
    QM_ASSIGN_OR_RETURN(const auth::Credentials credentials, TakeCredentials(*context_));
    return Authenticate(credentials);
  }

  // The same for a stream, which may last as long as its caller may be believed.
  absl::Status AdmitStream() {
    QM_RETURN_IF_ERROR(TakeMetadata());
    const std::chrono::system_clock::time_point told = context_->deadline();
    const bool is_told = told != std::chrono::system_clock::time_point::max();
    call_.deadline = is_told ? absl::FromChrono(told) : absl::InfiniteFuture();
    QM_ASSIGN_OR_RETURN(const auth::Credentials credentials, TakeCredentials(*context_));
    QM_RETURN_IF_ERROR(Authenticate(credentials));
    call_.deadline = std::min(call_.deadline, auth::ReadExpireTime(credentials));
    return absl::OkStatus();
  }

  // The same for a stream that carries calls of others: its other end is judged, and nobody else.
  absl::Status AdmitRelay() {
    QM_RETURN_IF_ERROR(TakeMetadata());
    call_.deadline = absl::InfiniteFuture();
    QM_ASSIGN_OR_RETURN(const auth::Credentials credentials, TakeCredentials(*context_));
    return state_.parts().authenticator.CheckRelay(credentials);
  }

  // The same for a call that such a stream carried.
  absl::Status AdmitCarried(const Serve::Carried& carried) {
    call_.method = method_.info.name;
    call_.trace = TakeTrace(carried.traceparent);
    QM_ASSIGN_OR_RETURN(call_.deadline, state_.BoundDeadline(start_ + carried.time_left, start_));
    return Authenticate(carried.credentials);
  }

  // Must be called exactly once.
  grpc::Status Answer(const absl::Status& status) {
    QM_CHECK(!has_ended_.exchange(true));
    const absl::Duration duration = state_.parts().clock.Now() - start_;
    grpc::Status answer = ToGrpcStatus(status, call_.trace.trace_id);
    const auto code = static_cast<absl::StatusCode>(answer.error_code());
    state_.Count(method_, code, duration);
    Log(status, code, duration);
    return answer;
  }

  void Cancel() {
    if (!is_cancelled_.exchange(true, std::memory_order_relaxed)) state_.CountCancelled();
  }

  bool is_cancelled() const { return is_cancelled_.load(std::memory_order_relaxed); }
  const base::Call& call() const { return call_; }
  const MethodInfo& method() const { return method_.info; }
  Serve::State& state() { return state_; }

 private:
  absl::Status TakeMetadata() {
    const Metadata& metadata = context_->client_metadata();
    call_.method = method_.info.name;
    call_.trace = TakeTrace(metadata);
    return state_.CheckMetadata(metadata);
  }

  absl::Status Authenticate(const auth::Credentials& credentials) {
    QM_ASSIGN_OR_RETURN(call_.caller,
                        state_.parts().authenticator.Authenticate(credentials, start_));
    if (!call_.caller.MayAnywhere(method_.info.permission, start_)) {
      return status::PermissionDenied(method_.info.permission, method_.info.name);
    }
    return absl::OkStatus();
  }

  void Log(const absl::Status& status, absl::StatusCode code, absl::Duration duration) const {
    const bool is_our_fault = code == absl::StatusCode::kInternal;
    const log::Level level = is_our_fault ? log::Level::kError : log::Level::kInfo;
    if (!log::IsOn(level)) return;
    std::vector<log::Field> fields = {
        {"method", method_.info.name},
        {"caller", call_.caller.name},
        {"code", absl::StatusCodeToString(code)},
        {"reason", is_our_fault ? "INTERNAL" : status::GetReason(status)},
        {"duration_us", absl::ToInt64Microseconds(duration)},
        {"trace_id", call_.trace.trace_id},
        {"span_id", call_.trace.span_id},
    };
    if (is_cancelled()) fields.emplace_back("is_cancelled", true);
    if (IsHidden(status)) fields.emplace_back("cause", status.message());
    log::Write(level, "call", fields);
  }

  Serve::State& state_;
  grpc::CallbackServerContext* const context_;
  const MethodState& method_;
  const absl::Time start_;
  // Complete once it was admitted.
  base::Call call_;
  std::atomic<bool> is_cancelled_ = false;
  std::atomic<bool> has_ended_ = false;
};

// One unary call until gRPC has let go of it. It deletes itself then: gRPC calls `OnDone` once,
// after `Finish`, and touches neither request nor response before that.
class CallReactor final : public grpc::ServerUnaryReactor {
 public:
  CallReactor(Serve::State& state, grpc::CallbackServerContext* context, const MethodState& method)
      : served_(state, context, method) {}

  absl::Status Admit() { return served_.Admit(); }

  // Queues the body; the call ends when it has run.
  void Queue(int64_t request_bytes, Serve::Body body) {
    Submit(request_bytes, [this, body = std::move(body)]() mutable {
      End(Guarded([&] { return body(served_.call()); }));
    });
  }

  // Queues the body; the call ends when its `Finisher` says so.
  void QueueLater(int64_t request_bytes, Serve::LaterBody body) {
    Submit(request_bytes, [this, body = std::move(body)]() mutable {
      const absl::Status status = Guarded([&] {
        body(served_.call(), Finisher(this));
        return absl::OkStatus();
      });
      // The call was ended by its `Finisher` when that was destroyed, which is all the caller sees.
      if (!status.ok()) log::Error("a handler threw", {{"cause", status.message()}});
    });
  }

  // Must be called exactly once. This object may be gone when it returns.
  void End(absl::Status status) { Finish(served_.Answer(status)); }

 private:
  void OnCancel() override { served_.Cancel(); }
  void OnDone() override { delete this; }

  // Queues `run`, which ends the call; if its turn does not come, the call ends here.
  void Submit(int64_t request_bytes, absl::AnyInvocable<void()> run) {
    const absl::Status admitted = served_.state().parts().executors.Submit(
        served_.method().call_class,
        {.deadline = served_.call().deadline,
         .bytes = request_bytes,
         .caller = served_.call().caller.name,
         .run = [this, run = std::move(run)](absl::Status turn) mutable {
           if (turn.ok() && served_.is_cancelled())
             turn = absl::CancelledError("the caller has gone");
           if (turn.ok()) return run();
           End(std::move(turn));
         }});
    if (!admitted.ok()) End(admitted);
  }

  ServedCall served_;
};

StreamCall::StreamCall(std::unique_ptr<ServedCall> call) : call_(std::move(call)) {}
StreamCall::~StreamCall() = default;
const base::Call& StreamCall::call() const { return call_->call(); }
const std::string& StreamCall::permission() const { return call_->method().permission; }
grpc::Status StreamCall::End(const absl::Status& status) { return call_->Answer(status); }
void StreamCall::Cancel() { call_->Cancel(); }
bool StreamCall::is_cancelled() const { return call_->is_cancelled(); }

Finisher::~Finisher() {
  if (reactor_ != nullptr) {
    reactor_->End(status::Internal("the handler let go of the call without an answer"));
  }
}

void Finisher::operator()(absl::Status status) && {
  QM_CHECK(reactor_ != nullptr);
  std::exchange(reactor_, nullptr)->End(std::move(status));
}

Serve::Serve(const Parts& parts, const Limits& limits)
    : state_(std::make_unique<State>(parts, limits)) {}

Serve::~Serve() = default;

const LiveCalls& Serve::live_calls() const { return state_->live_calls(); }

int64_t Serve::MemoryOf(const google::protobuf::Message& request) {
  const auto encoded = static_cast<int64_t>(request.ByteSizeLong());
  return encoded <= kSmallRequestBytes ? encoded : static_cast<int64_t>(request.SpaceUsedLong());
}

namespace {

// A name that is not in the table is a mistake in the handler, which every call of it shows.
grpc::ServerUnaryReactor* RefuseUnknownMethod(grpc::CallbackServerContext* context,
                                              absl::string_view method) {
  log::Error("a handler names a method that is not served", {{"method", method}});
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(status::Internal("unknown method"), ""));
  return reactor;
}

}  // namespace

grpc::ServerUnaryReactor* Serve::Admit(grpc::CallbackServerContext* context,
                                       absl::string_view method,
                                       absl::FunctionRef<void(CallReactor&)> queue) const {
  const MethodState* const found = state_->FindMethod(method);
  if (found == nullptr) return RefuseUnknownMethod(context, method);
  auto* const reactor = new CallReactor(*state_, context, *found);
  const absl::Status admitted = Guarded([&] { return reactor->Admit(); });
  if (admitted.ok()) {
    queue(*reactor);
  } else {
    reactor->End(admitted);
  }
  return reactor;
}

grpc::ServerUnaryReactor* Serve::Start(grpc::CallbackServerContext* context,
                                       absl::string_view method, int64_t request_bytes,
                                       Body body) const {
  return Admit(context, method,
               [&](CallReactor& reactor) { reactor.Queue(request_bytes, std::move(body)); });
}

grpc::ServerUnaryReactor* Serve::HandOn(grpc::CallbackServerContext* context,
                                        absl::string_view method,
                                        const google::protobuf::Message& request,
                                        LaterBody body) const {
  return Admit(context, method, [&](CallReactor& reactor) {
    reactor.QueueLater(MemoryOf(request), std::move(body));
  });
}

std::unique_ptr<StreamCall> Serve::Open(grpc::CallbackServerContext* context,
                                        absl::string_view method,
                                        absl::FunctionRef<absl::Status(ServedCall&)> admit) const {
  const MethodState* const found = state_->FindMethod(method);
  QM_CHECK(found != nullptr);
  auto stream =
      std::make_unique<StreamCall>(std::make_unique<ServedCall>(*state_, context, *found));
  stream->admitted_ = Guarded([&] { return admit(*stream->call_); });
  return stream;
}

std::unique_ptr<StreamCall> Serve::AdmitStream(grpc::CallbackServerContext* context,
                                               absl::string_view method) const {
  return Open(context, method, [](ServedCall& call) { return call.AdmitStream(); });
}

std::unique_ptr<StreamCall> Serve::AdmitRelay(grpc::CallbackServerContext* context,
                                              absl::string_view method) const {
  return Open(context, method, [](ServedCall& call) { return call.AdmitRelay(); });
}

std::unique_ptr<StreamCall> Serve::AdmitCarried(absl::string_view method,
                                                const Carried& carried) const {
  return Open(nullptr, method, [&](ServedCall& call) { return call.AdmitCarried(carried); });
}

absl::Status Serve::Submit(absl::string_view method, Executors::Task task) const {
  const MethodState* const found = state_->FindMethod(method);
  QM_CHECK(found != nullptr);
  task.run = [run = std::move(task.run)](absl::Status turn) mutable {
    const absl::Status status = Guarded([&] {
      run(std::move(turn));
      return absl::OkStatus();
    });
    if (!status.ok()) log::Error("a handler threw", {{"cause", status.message()}});
  };
  return state_->parts().executors.Submit(found->info.call_class, std::move(task));
}

}  // namespace quartermaster::rpc
