#include "gateway/overview/overview_service.h"

#include <string>

#include "platform/base/status_macros.h"

namespace quartermaster::gateway {
namespace {

constexpr char kGetSituation[] = "quartermaster.gateway.v1.Overview/GetSituation";

}  // namespace

grpc::ServerUnaryReactor* OverviewService::GetSituation(grpc::CallbackServerContext* context,
                                                        const v1::GetSituationRequest* request,
                                                        v1::Situation* response) {
  return serve_(context, kGetSituation, [=, this](const base::Call& call) -> absl::Status {
    // `Serve` has verified it, and that there is one.
    const auto authorization = context->client_metadata().find("authorization");
    QM_ASSIGN_OR_RETURN(const std::string identity,
                        MintIdentity({authorization->second.data(), authorization->second.size()}));
    return report_.Fill(call, identity, *request, *response);
  });
}

absl::StatusOr<std::string> OverviewService::MintIdentity(absl::string_view authorization) const {
  const absl::Time now = clock_.Now();
  QM_ASSIGN_OR_RETURN(const std::shared_ptr<const auth::EdgeAuthenticator::Person> person,
                      authenticator_.Identify(authorization, now));
  return minter_.Mint(person->claims, now);
}

}  // namespace quartermaster::gateway
