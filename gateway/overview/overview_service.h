#pragma once

#include "gateway/overview/situation_report.h"
#include "platform/auth/edge_authenticator.h"
#include "platform/auth/identity_minter.h"
#include "platform/base/clock.h"
#include "platform/rpc/serve.h"
#include "quartermaster/gateway/v1/overview.grpc.pb.h"

namespace quartermaster::gateway {

// Serves `Overview`. Answers in bytes, most of which are a service's own. Thread-safe. What it is
// made from must outlive it.
class OverviewService final
    : public v1::Overview::WithRawCallbackMethod_GetSituation<v1::Overview::Service> {
 public:
  OverviewService(const rpc::Serve& serve, SituationReport& report,
                  auth::EdgeAuthenticator& authenticator, auth::IdentityMinter& minter,
                  const base::Clock& clock)
      : serve_(serve),
        report_(report),
        authenticator_(authenticator),
        minter_(minter),
        clock_(clock) {}

  grpc::ServerUnaryReactor* GetSituation(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;

 private:
  // Signs for the services what the caller's own token says.
  absl::StatusOr<std::string> MintIdentity(absl::string_view authorization) const;

  const rpc::Serve& serve_;
  SituationReport& report_;
  auth::EdgeAuthenticator& authenticator_;
  auth::IdentityMinter& minter_;
  const base::Clock& clock_;
};

}  // namespace quartermaster::gateway
