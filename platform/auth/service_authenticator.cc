#include "platform/auth/service_authenticator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/base/sha256.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"

namespace quartermaster::auth {

absl::StatusOr<std::unique_ptr<ServiceAuthenticator>> ServiceAuthenticator::Make(
    Options options, const Roles& roles) {
  QM_ASSIGN_OR_RETURN(auto gateway_keys,
                      WatchedFile<KeySet>::Open({.path = options.gateway_keys_path,
                                                 .bytes_max = KeySet::kBytesMax,
                                                 .check_interval = options.file_check_interval,
                                                 .parse = KeySet::Parse,
                                                 .on_problem = options.on_file_problem}));
  std::unique_ptr<WatchedFile<Systems>> systems;
  if (!options.systems_path.empty()) {
    QM_ASSIGN_OR_RETURN(
        systems,
        WatchedFile<Systems>::Open(
            {.path = options.systems_path,
             .bytes_max = Systems::kBytesMax,
             .check_interval = options.file_check_interval,
             .parse = [&roles](absl::string_view text) { return Systems::Parse(text, roles); },
             .on_problem = options.on_file_problem}));
  }
  return std::unique_ptr<ServiceAuthenticator>(
      new ServiceAuthenticator(options, roles, std::move(gateway_keys), std::move(systems)));
}

ServiceAuthenticator::ServiceAuthenticator(const Options& options, const Roles& roles,
                                           std::unique_ptr<WatchedFile<KeySet>> gateway_keys,
                                           std::unique_ptr<WatchedFile<Systems>> systems)
    : gateway_spiffe_ids_(options.gateway_spiffe_ids),
      roles_(roles),
      verifier_({.issuer = kGatewayIssuer,
                 .audience = kServicesAudience,
                 .types = {kIdentityType},
                 .clock_skew = options.clock_skew,
                 .lifetime_max = options.identity_lifetime_max,
                 .token_bytes_max = options.token_bytes_max}),
      gateway_keys_(std::move(gateway_keys)),
      systems_(std::move(systems)),
      cache_(options.cache_size_max) {}

absl::StatusOr<base::Caller> ServiceAuthenticator::Authenticate(const Credentials& credentials,
                                                                absl::Time now) {
  if (credentials.peer_spiffe_ids.size() != 1) {
    return status::CredentialsInvalid(
        "the call needs a client certificate with exactly one SPIFFE id");
  }
  const std::string& peer = credentials.peer_spiffe_ids[0];
  const bool is_gateway = IsGateway(peer);
  if (!credentials.identity_token.empty()) {
    if (!is_gateway) {
      return status::CredentialsInvalid("only the gateway may speak for another");
    }
    return AuthenticatePerson(credentials.identity_token, now);
  }
  if (is_gateway) {
    return status::CredentialsInvalid("the gateway did not say for whom it calls");
  }
  const std::shared_ptr<const Systems> systems =
      systems_ == nullptr ? nullptr : systems_->Current(now);
  const base::Caller* system = systems == nullptr ? nullptr : systems->Find(peer);
  if (system == nullptr) {
    return status::CredentialsInvalid(
        absl::StrCat("the certificate's SPIFFE id ", peer, " is not in the systems file"));
  }
  return *system;
}

bool ServiceAuthenticator::IsGateway(const std::string& spiffe_id) const {
  return std::ranges::find(gateway_spiffe_ids_, spiffe_id) != gateway_spiffe_ids_.end();
}

absl::Status ServiceAuthenticator::CheckRelay(const Credentials& credentials) {
  const std::vector<std::string>& peers = credentials.peer_spiffe_ids;
  if (peers.size() == 1 && IsGateway(peers.front())) return absl::OkStatus();
  return Authenticator::CheckRelay(credentials);
}

absl::StatusOr<base::Caller> ServiceAuthenticator::AuthenticatePerson(absl::string_view token,
                                                                      absl::Time now) {
  const std::shared_ptr<const KeySet> keys = gateway_keys_->Current(now);
  const auto known = cache_.Find(base::Sha256(token), now);
  if (known.has_value() && (*known)->keys == keys) return (*known)->caller;

  QM_ASSIGN_OR_RETURN(const Claims claims, verifier_.Verify(token, *keys, now));
  base::Caller caller = MakeCaller(claims, roles_);
  cache_.Insert(claims.token_digest, std::make_shared<const Known>(Known{caller, keys}),
                verifier_.BelievableUntil(claims));
  return caller;
}

}  // namespace quartermaster::auth
