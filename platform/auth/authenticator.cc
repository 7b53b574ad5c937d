#include "platform/auth/authenticator.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "absl/strings/str_split.h"
#include "platform/auth/base64url.h"
#include "platform/auth/strict_json.h"
#include "platform/status/error.h"

namespace quartermaster::auth {
namespace {

constexpr size_t kDepthMax = 8;

}  // namespace

absl::Time ReadExpireTime(const Credentials& credentials) {
  if (credentials.identity_token.empty()) return absl::InfiniteFuture();
  const std::vector<std::string> parts = absl::StrSplit(credentials.identity_token, '.');
  if (parts.size() != 3) return absl::InfinitePast();
  const std::optional<std::string> payload = DecodeBase64Url(parts[1]);
  if (!payload.has_value()) return absl::InfinitePast();
  const absl::StatusOr<nlohmann::json> json = ParseStrictJson(*payload, kDepthMax);
  if (!json.ok() || !json->is_object() || !json->contains("exp")) return absl::InfinitePast();
  const nlohmann::json& expires = (*json)["exp"];
  return expires.is_number_integer() ? absl::FromUnixSeconds(expires.get<int64_t>())
                                     : absl::InfinitePast();
}

Authenticator::~Authenticator() = default;

absl::Status Authenticator::CheckRelay(const Credentials&) {
  return status::MakeError(absl::StatusCode::kPermissionDenied,
                           "only the gateway's certificate may carry calls of others",
                           {.reason = "PERMISSION_DENIED"});
}

}  // namespace quartermaster::auth
