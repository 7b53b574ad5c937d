#include "platform/auth/grants.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "platform/auth/strict_json.h"
#include "platform/base/status_macros.h"

namespace quartermaster::auth {
namespace {

using Json = nlohmann::json;

constexpr size_t kIdBytesMax = 63;
constexpr size_t kTimeBytesMax = 30;

bool IsUnitName(absl::string_view text) {
  return absl::ConsumePrefix(&text, "units/") && IsId(text);
}

// Reads an RFC 3339 time in UTC. Abseil alone would also take `infinite-future` and white space.
std::optional<absl::Time> ParseUtcTime(absl::string_view text) {
  absl::Time time;
  std::string why;
  if (text.empty() || text.size() > kTimeBytesMax || !absl::ascii_isdigit(text[0]) ||
      text.back() != 'Z' || !absl::ParseTime(absl::RFC3339_full, text, &time, &why)) {
    return std::nullopt;
  }
  return time;
}

absl::StatusOr<RoleGrant> ParseRoleGrant(const Json& json) {
  if (!json.is_object()) return absl::InvalidArgumentError("a grant is not an object");
  for (const auto& [name, value] : json.items()) {
    if (name != "role" && name != "unit" && name != "end") {
      return absl::InvalidArgumentError("a grant has a member other than role, unit and end");
    }
  }
  RoleGrant grant{.role = std::string(FindString(json, "role")),
                  .unit = std::string(FindString(json, "unit"))};
  if (!IsId(grant.role)) return absl::InvalidArgumentError("a grant's role is not a role's name");
  if (!IsUnitName(grant.unit)) {
    return absl::InvalidArgumentError("a grant's unit is not of the form units/{unit}");
  }
  if (json.contains("end")) {
    const std::optional<absl::Time> end = ParseUtcTime(FindString(json, "end"));
    if (!end.has_value()) {
      return absl::InvalidArgumentError("a grant's end is not a time like 2026-09-30T16:00:00Z");
    }
    grant.end_time = *end;
  }
  return grant;
}

}  // namespace

bool IsId(absl::string_view text) {
  return !text.empty() && text.size() <= kIdBytesMax && absl::ascii_islower(text[0]) &&
         text.back() != '-' && std::ranges::all_of(text, [](char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
         });
}

absl::StatusOr<std::vector<RoleGrant>> ParseRoleGrants(const Json& grants) {
  if (!grants.is_array()) return absl::InvalidArgumentError("grants is not an array");
  if (grants.size() > kGrantsMax) {
    return absl::InvalidArgumentError(absl::StrCat("more than ", kGrantsMax, " grants"));
  }
  std::vector<RoleGrant> parsed;
  for (const Json& json : grants) {
    QM_ASSIGN_OR_RETURN(RoleGrant grant, ParseRoleGrant(json));
    parsed.push_back(std::move(grant));
  }
  return parsed;
}

absl::StatusOr<RoleGrant> ParseRoleAtUnit(absl::string_view text) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('@', 1));
  if (!IsId(parts.first) || !IsUnitName(parts.second)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not of the form dispatcher@units/east-bureau"));
  }
  return RoleGrant{.role = parts.first, .unit = parts.second};
}

Json RenderRoleGrants(const std::vector<RoleGrant>& grants) {
  Json rendered = Json::array();
  for (const RoleGrant& grant : grants) {
    Json json = {{"role", grant.role}, {"unit", grant.unit}};
    if (grant.end_time != absl::InfiniteFuture()) {
      json["end"] = absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ", grant.end_time, absl::UTCTimeZone());
    }
    rendered.push_back(std::move(json));
  }
  return rendered;
}

}  // namespace quartermaster::auth
