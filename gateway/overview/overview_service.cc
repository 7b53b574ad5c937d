#include "gateway/overview/overview_service.h"

#include <string>

#include "platform/base/status_macros.h"
#include "platform/rpc/malformed_requests.h"

namespace quartermaster::gateway {
namespace {

constexpr char kGetSituation[] = "quartermaster.gateway.v1.Overview/GetSituation";

absl::StatusOr<v1::GetSituationRequest> ParseRequest(const grpc::ByteBuffer& bytes) {
  v1::GetSituationRequest request;
  // Takes away what it reads.
  grpc::ByteBuffer copy = bytes;
  if (!grpc::SerializationTraits<v1::GetSituationRequest>::Deserialize(&copy, &request).ok()) {
    return rpc::MalformedRequest();
  }
  return request;
}

}  // namespace

grpc::ServerUnaryReactor* OverviewService::GetSituation(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return serve_(context, kGetSituation, [=, this](const base::Call& call) -> absl::Status {
    // `Serve` has verified it, and that there is one.
    const auto authorization = context->client_metadata().find("authorization");
    QM_ASSIGN_OR_RETURN(const std::string identity,
                        MintIdentity({authorization->second.data(), authorization->second.size()}));
    QM_ASSIGN_OR_RETURN(const v1::GetSituationRequest parsed, ParseRequest(*request));
    QM_ASSIGN_OR_RETURN(*response, report_.Make(call, identity, parsed));
    return absl::OkStatus();
  });
}

absl::StatusOr<std::string> OverviewService::MintIdentity(absl::string_view authorization) const {
  const absl::Time now = clock_.Now();
  QM_ASSIGN_OR_RETURN(const std::shared_ptr<const auth::EdgeAuthenticator::Person> person,
                      authenticator_.Identify(authorization, now));
  return minter_.Mint(person->claims, now);
}

}  // namespace quartermaster::gateway
