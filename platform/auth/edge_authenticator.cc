#include "platform/auth/edge_authenticator.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/base/sha256.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"

namespace quartermaster::auth {
namespace {

constexpr absl::string_view kScheme = "Bearer ";

}  // namespace

absl::StatusOr<std::unique_ptr<EdgeAuthenticator>> EdgeAuthenticator::Make(Options options,
                                                                           const Roles& roles) {
  if (options.issuer.empty() || options.audience.empty()) {
    return absl::InvalidArgumentError("the issuer and the audience of bearer tokens must be set");
  }
  if (options.issuer == kDemoIssuer && !options.allow_demo_issuer) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the issuer ", kDemoIssuer, " hands out tokens to anyone; it is for the demo only"));
  }
  QM_ASSIGN_OR_RETURN(auto keys,
                      WatchedFile<KeySet>::Open({.path = options.keys_path,
                                                 .bytes_max = KeySet::kBytesMax,
                                                 .check_interval = options.file_check_interval,
                                                 .parse = KeySet::Parse,
                                                 .on_problem = options.on_file_problem}));
  return std::unique_ptr<EdgeAuthenticator>(new EdgeAuthenticator(options, roles, std::move(keys)));
}

EdgeAuthenticator::EdgeAuthenticator(const Options& options, const Roles& roles,
                                     std::unique_ptr<WatchedFile<KeySet>> keys)
    : roles_(roles),
      verifier_({.issuer = options.issuer,
                 .audience = options.audience,
                 .clock_skew = options.clock_skew,
                 .lifetime_max = options.token_lifetime_max,
                 .token_bytes_max = options.token_bytes_max,
                 .allow_demo_issuer = options.allow_demo_issuer}),
      keys_(std::move(keys)),
      cache_(options.cache_size_max) {}

absl::StatusOr<std::shared_ptr<const EdgeAuthenticator::Person>> EdgeAuthenticator::Identify(
    absl::string_view authorization, absl::Time now) {
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) {
    return status::CredentialsInvalid("the call needs the header authorization: Bearer {token}");
  }
  const absl::string_view token = authorization.substr(kScheme.size());
  const std::shared_ptr<const KeySet> keys = keys_->Current(now);
  const auto remembered = cache_.Find(base::Sha256(token), now);
  if (remembered.has_value() && (*remembered)->keys == keys) {
    return std::shared_ptr<const Person>(*remembered, &(*remembered)->person);
  }
  QM_ASSIGN_OR_RETURN(Claims claims, verifier_.Verify(token, *keys, now));
  base::Caller caller = MakeCaller(claims, roles_);
  const auto known = std::make_shared<const Known>(
      Known{.person = {.claims = std::move(claims), .caller = std::move(caller)}, .keys = keys});
  const Claims& kept = known->person.claims;
  cache_.Insert(kept.token_digest, known, verifier_.BelievableUntil(kept));
  return std::shared_ptr<const Person>(known, &known->person);
}

absl::StatusOr<base::Caller> EdgeAuthenticator::Authenticate(const Credentials& credentials,
                                                             absl::Time now) {
  QM_ASSIGN_OR_RETURN(const std::shared_ptr<const Person> person,
                      Identify(credentials.authorization, now));
  return person->caller;
}

}  // namespace quartermaster::auth
