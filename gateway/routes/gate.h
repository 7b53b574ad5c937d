#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/routes/gateway_methods.h"
#include "platform/auth/edge_authenticator.h"
#include "platform/auth/identity_minter.h"
#include "platform/base/call.h"
#include "platform/base/clock.h"
#include "platform/rpc/serve.h"

namespace quartermaster::gateway {

// A call that was let in: who, until when, which trace, and what proves the caller to whoever
// answers it. A plain value.
struct EdgeCall {
  // Without the caller's grants: what they may is judged here and by whoever answers.
  base::Call call;
  // The person's own token, as it came. For the gateway's own interfaces.
  std::string authorization;
  // What the gateway signed instead. For the services.
  std::string identity_token;
};

// What a call brings along, by whichever protocol it came.
struct Asked {
  std::string authorization;
  // Infinite if the caller set none.
  absl::Time deadline = absl::InfiniteFuture();
};

// Lets calls in, or not: before a byte of their request is looked at. Thread-safe. What it is made
// from must outlive it.
class Gate {
 public:
  Gate(auth::EdgeAuthenticator& authenticator, auth::IdentityMinter& minter,
       const base::Clock& clock, const rpc::Serve::Limits& limits)
      : authenticator_(authenticator), minter_(minter), clock_(clock), limits_(limits) {}

  // Finds out who calls. Fails with UNAUTHENTICATED, `CREDENTIALS_INVALID`.
  absl::StatusOr<base::Caller> Authenticate(absl::string_view authorization) const;

  // Lets a call of `method` in. Fails, in this order, with
  // - UNAUTHENTICATED, `CREDENTIALS_INVALID`;
  // - PERMISSION_DENIED if the caller holds the method's permission nowhere;
  // - DEADLINE_EXCEEDED if too little time is left.
  // `call` is then filled as far as was found out. Its trace is the caller's business.
  absl::Status Admit(const GatewayMethod& method, const Asked& asked, EdgeCall& call) const;

  const base::Clock& clock() const { return clock_; }

 private:
  absl::StatusOr<absl::Time> BoundDeadline(absl::Time asked, absl::Time now) const;

  auth::EdgeAuthenticator& authenticator_;
  auth::IdentityMinter& minter_;
  const base::Clock& clock_;
  const rpc::Serve::Limits limits_;
};

// Takes the trace that the caller told, or begins one.
base::TraceContext TakeTrace(absl::string_view traceparent);

}  // namespace quartermaster::gateway
