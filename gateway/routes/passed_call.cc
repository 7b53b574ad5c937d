#include "gateway/routes/passed_call.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "gateway/routes/metadata.h"
#include "platform/base/status_macros.h"
#include "platform/rpc/status_codec.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

// Beyond every limit on deadlines.
constexpr absl::Duration kFarAway = absl::Hours(24);

absl::Time ReadDeadline(const grpc::CallbackServerContext& context) {
  const std::chrono::system_clock::time_point told = context.deadline();
  return told == std::chrono::system_clock::time_point::max() ? absl::InfiniteFuture()
                                                              : absl::FromChrono(told);
}

}  // namespace

absl::Status PassedCall::Admit(const GatewayMethod& method,
                               const grpc::CallbackServerContext& context) {
  method_ = &method;
  absl::StatusOr<CallerMetadata> metadata = TakeMetadata(context.client_metadata());
  call_.call.trace = TakeTrace(metadata.ok() ? metadata->traceparent : "");
  QM_RETURN_IF_ERROR(metadata.status());
  absl::Time deadline = ReadDeadline(context);
  // A stream that nobody bounds lasts as long as any call may.
  if (method.descriptor->server_streaming()) deadline = std::min(deadline, start_ + kFarAway);
  return parts_.gate.Admit(
      method, {.authorization = std::move(metadata->authorization), .deadline = deadline}, call_);
}

grpc::Status PassedCall::Refuse(const absl::Status& refusal) {
  if (call_.call.trace.trace_id.empty()) call_.call.trace = TakeTrace("");
  return rpc::ToGrpcStatus(refusal, call_.call.trace.trace_id);
}

void PassedCall::RecordEnd(const grpc::Status& status) const {
  parts_.log.Record({.method = method_ == nullptr ? "unknown" : method_->info.name,
                     .protocol = "grpc",
                     .caller = call_.call.caller.name,
                     .trace_id = call_.call.trace.trace_id,
                     .duration = parts_.gate.clock().Now() - start_},
                    status);
}

absl::Status RequestMissing() {
  return status::MakeError(absl::StatusCode::kInvalidArgument, "the call has no request message",
                           {.reason = "REQUEST_MISSING"});
}

}  // namespace quartermaster::gateway
