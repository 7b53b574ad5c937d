#include "platform/rpc/incoming.h"

#include <iterator>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"
#include "platform/telemetry/trace.h"

namespace quartermaster::rpc {
namespace {

absl::string_view ToView(grpc::string_ref text) { return {text.data(), text.size()}; }

// Returns the value of `key`, empty if there is none.
absl::StatusOr<std::string> FindOnlyValue(const Metadata& metadata, const char* key) {
  const auto [first, last] = metadata.equal_range(key);
  if (first == last) return "";
  if (std::next(first) != last) {
    return status::CredentialsInvalid(absl::StrCat("metadata ", key, " occurs more than once"));
  }
  return std::string(ToView(first->second));
}

}  // namespace

base::TraceContext TakeTrace(const Metadata& metadata) {
  const auto [first, last] = metadata.equal_range(telemetry::kTraceparent);
  const bool is_told = first != last && std::next(first) == last;
  return TakeTrace(is_told ? ToView(first->second) : absl::string_view());
}

base::TraceContext TakeTrace(absl::string_view traceparent) {
  const std::optional<base::TraceContext> parent = telemetry::ParseTraceparent(traceparent);
  return parent.has_value() ? telemetry::StartSpan(*parent) : telemetry::StartTrace();
}

absl::StatusOr<auth::Credentials> TakeCredentials(const grpc::CallbackServerContext& context) {
  auth::Credentials credentials;
  const Metadata& metadata = context.client_metadata();
  QM_ASSIGN_OR_RETURN(credentials.identity_token, FindOnlyValue(metadata, auth::kIdentityMetadata));
  QM_ASSIGN_OR_RETURN(credentials.authorization, FindOnlyValue(metadata, "authorization"));
  const std::shared_ptr<const grpc::AuthContext> peer = context.auth_context();
  if (peer != nullptr && peer->IsPeerAuthenticated()) {
    for (const grpc::string_ref& id : peer->FindPropertyValues("peer_spiffe_id")) {
      credentials.peer_spiffe_ids.emplace_back(ToView(id));
    }
  }
  return credentials;
}

}  // namespace quartermaster::rpc
