#include "platform/auth/systems.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "platform/auth/strict_json.h"
#include "platform/base/status_macros.h"

namespace quartermaster::auth {
namespace {

using Json = nlohmann::json;

absl::StatusOr<base::Caller> ParseSystem(const Json& json, const Roles& roles) {
  if (!json.is_object() || json.size() != 2 || !json.contains("grants")) {
    return absl::InvalidArgumentError("a system has a name and grants, nothing else");
  }
  absl::string_view id = FindString(json, "name");
  const std::string name(id);
  if (!absl::ConsumePrefix(&id, "systems/") || !IsId(id)) {
    return absl::InvalidArgumentError("name is not of the form systems/{system}");
  }
  QM_ASSIGN_OR_RETURN(const std::vector<RoleGrant> grants, ParseRoleGrants(json["grants"]));
  for (const RoleGrant& grant : grants) {
    if (roles.Find(grant.role) == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("there is no role ", grant.role));
    }
  }
  return base::Caller{.name = name, .grants = roles.Resolve(grants)};
}

}  // namespace

absl::StatusOr<Systems> Systems::Parse(absl::string_view json, const Roles& roles) {
  QM_ASSIGN_OR_RETURN(const Json file, ParseStrictJson(json, /*depth_max=*/4));
  if (!file.is_object()) return absl::InvalidArgumentError("systems are an object");
  Systems systems;
  absl::flat_hash_set<std::string> names;
  for (const auto& [spiffe_id, entry] : file.items()) {
    if (!absl::StartsWith(spiffe_id, "spiffe://")) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", spiffe_id, "\" does not begin with spiffe://"));
    }
    absl::StatusOr<base::Caller> caller = ParseSystem(entry, roles);
    if (!caller.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(spiffe_id, ": ", caller.status().message()));
    }
    if (!names.insert(caller->name).second) {
      return absl::InvalidArgumentError(absl::StrCat("two systems are named ", caller->name));
    }
    systems.callers_.emplace(spiffe_id, *std::move(caller));
  }
  return systems;
}

const base::Caller* Systems::Find(absl::string_view spiffe_id) const {
  const auto found = callers_.find(spiffe_id);
  return found == callers_.end() ? nullptr : &found->second;
}

}  // namespace quartermaster::auth
