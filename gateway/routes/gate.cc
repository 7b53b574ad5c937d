#include "gateway/routes/gate.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "platform/base/status_macros.h"
#include "platform/status/error.h"
#include "platform/telemetry/trace.h"

namespace quartermaster::gateway {

base::TraceContext TakeTrace(absl::string_view traceparent) {
  const std::optional<base::TraceContext> parent = telemetry::ParseTraceparent(traceparent);
  return parent.has_value() ? telemetry::StartSpan(*parent) : telemetry::StartTrace();
}

absl::StatusOr<base::Caller> Gate::Authenticate(absl::string_view authorization) const {
  return authenticator_.Authenticate({.authorization = std::string(authorization)}, clock_.Now());
}

absl::StatusOr<absl::Time> Gate::BoundDeadline(absl::Time asked, absl::Time now) const {
  if (asked == absl::InfiniteFuture()) return now + limits_.default_deadline;
  if (asked - now < limits_.time_left_min) {
    return status::DeadlineExceeded("too little was left when the call arrived");
  }
  return std::min(asked, now + limits_.deadline_max);
}

absl::Status Gate::Admit(const GatewayMethod& method, const Asked& asked, EdgeCall& call) const {
  const absl::Time now = clock_.Now();
  call.call.method = method.info.name;
  QM_ASSIGN_OR_RETURN(const std::shared_ptr<const auth::EdgeAuthenticator::Person> person,
                      authenticator_.Identify(asked.authorization, now));
  call.call.caller.name = person->caller.name;
  if (!person->caller.MayAnywhere(method.info.permission, now)) {
    return status::PermissionDenied(method.info.permission, method.info.name);
  }
  QM_ASSIGN_OR_RETURN(call.call.deadline, BoundDeadline(asked.deadline, now));
  QM_ASSIGN_OR_RETURN(call.identity_token, minter_.Mint(person->claims, now));
  call.authorization = asked.authorization;
  return absl::OkStatus();
}

}  // namespace quartermaster::gateway
