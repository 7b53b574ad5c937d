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
    flight->done(rpc::ToGrpcStatus(status::Overloaded(absl::StrCat("too many calls to ",
                                                                   options_.name, " are under way"),
                                                      kRetryWhenFull),
                                   flight->trace_id),
                 flight->response);
    return flight;
  }
  const bool is_signed = options_.identity == Identity::kSigned;
  rpc::PrepareContext(call.call, is_signed ? call.identity_token : "", clock_.Now(),
                      flight->context);
  if (!is_signed) flight->context.AddMetadata("authorization", call.authorization);
  NextStub().UnaryCall(&flight->context, path, grpc::StubOptions(), &flight->request,
                       &flight->response, [this, flight](const grpc::Status& status) {
                         // What `done` holds may hold the flight.
                         Done answer = std::move(flight->done);
                         answer(Judge(status, flight->trace_id), flight->response);
                         EndCall();
                       });
  return flight;
}

bool Upstream::BeginCall() {
  base::MutexLock lock(&mutex_);
  if (call_count_ >= options_.calls_max) return false;
  ++call_count_;
  return true;
}

void Upstream::EndCall() {
  base::MutexLock lock(&mutex_);
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
