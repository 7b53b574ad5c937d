#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/auth/service_authenticator.h"
#include "platform/auth/test_files.h"
#include "platform/auth/test_tokens.h"
#include "platform/rpc/test_certificates.h"
#include "tests/service/ledger_test.h"

// Who calls, as in production: certificates, and identities that the gateway has signed.
namespace quartermaster::testing {

using Json = nlohmann::json;

inline constexpr char kGateway[] = "spiffe://quartermaster/gateway";
inline constexpr char kProvince[] = "spiffe://quartermaster/systems/province";
inline constexpr char kCanary[] = "canary-bird";

inline int64_t Seconds(absl::Duration from_now) {
  return absl::ToUnixSeconds(absl::Now() + from_now);
}

inline Json GoodHeader() { return {{"alg", "EdDSA"}, {"typ", auth::kIdentityType}, {"kid", "ed"}}; }
inline Json GoodPayload() {
  return {{"iss", auth::kGatewayIssuer},
          {"aud", auth::kServicesAudience},
          {"sub", kCanary},
          {"iat", Seconds(absl::ZeroDuration())},
          {"exp", Seconds(absl::Minutes(1))},
          {"grants", Json::array({{{"role", "unit-quartermaster"}, {"unit", "units/east"}}})}};
}
inline Json With(Json json, const Json& changes) {
  if (changes.is_object()) json.merge_patch(changes);
  return json;
}
inline std::string Identity(const Json& header = {}, const Json& payload = {},
                            const auth::TestKey& key = auth::TestEd25519()) {
  return auth::RenderToken(With(GoodHeader(), header), With(GoodPayload(), payload), key);
}
// The world of `LedgerTest`, served a second time as in production: mutual TLS, systems by a file,
// persons by the gateway's word.
class CallerTest : public LedgerTest {
 protected:
  using Metadata = std::vector<std::pair<std::string, std::string>>;

  CallerTest() {
    auto authenticator = auth::ServiceAuthenticator::Make(
        {.gateway_keys_path =
             folder_.Put("gateway-jwks.json", auth::RenderJwks({auth::TestEd25519().Jwk("ed")})),
         .systems_path = folder_.Put(
             "systems.json",
             Json{{kProvince,
                   {{"name", "systems/province"},
                    {"grants", Json::array({{{"role", "integrator"}, {"unit", "units/east"}}})}}}}
                 .dump())});
    QM_CHECK(authenticator.ok());
    authenticator_ = *std::move(authenticator);
    secure_ = InventoryServer::Start(database_, SecureOptions());
  }

  InventoryServer::Options SecureOptions() {
    const rpc::TestCa::Pair own = ca_.Sign("spiffe://quartermaster/inventory");
    return {.authenticator = authenticator_.get(),
            .server = {.program = "inventory-svc",
                       .certificate_file = folder_.Put("own.pem", own.certificate),
                       .key_file = folder_.Put("own-key.pem", own.key),
                       .client_ca_file = folder_.Put("ca.pem", ca_.certificate())}};
  }

  // Posts a receipt over a connection of its own. Without a pair it shows no certificate.
  absl::StatusOr<v1::Movement> PostAs(const std::optional<rpc::TestCa::Pair>& pair,
                                      const Metadata& metadata = {},
                                      const std::string& location = kDepot) {
    grpc::SslCredentialsOptions options{.pem_root_certs = ca_.certificate()};
    if (pair.has_value()) {
      options.pem_private_key = pair->key;
      options.pem_cert_chain = pair->certificate;
    }
    return PostOver(grpc::SslCredentials(options), metadata, location);
  }

  absl::StatusOr<v1::Movement> PostOver(
      const std::shared_ptr<grpc::ChannelCredentials>& credentials, const Metadata& metadata = {},
      const std::string& location = kDepot) {
    return PostRequest(credentials, metadata, AReceipt(5, location));
  }

  absl::StatusOr<v1::Movement> PostRequest(
      const std::shared_ptr<grpc::ChannelCredentials>& credentials, const Metadata& metadata,
      const v1::PostMovementRequest& request) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel = grpc::CreateCustomChannel(secure_->address(), credentials, arguments);
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
    for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
    v1::Movement response;
    const grpc::Status status = LedgerStub(channel).PostMovement(&context, request, &response);
    if (!status.ok()) return rpc::FromGrpcStatus(status);
    return response;
  }

  const rpc::TestCa ca_;
  const auth::TestFolder folder_;
  std::unique_ptr<auth::ServiceAuthenticator> authenticator_;
  std::unique_ptr<InventoryServer> secure_;
};

}  // namespace quartermaster::testing
