#include "platform/auth/roles.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/auth/roles_embedded.h"
#include "platform/auth/strict_json.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"

namespace quartermaster::auth {
namespace {

using Json = nlohmann::json;

absl::StatusOr<Role> ParseRole(const Json& json) {
  if (!json.is_object() || !json.contains("title") || !json["title"].is_object() ||
      !json.contains("permissions") || !json["permissions"].is_array()) {
    return absl::InvalidArgumentError("a role has a title and an array of permissions");
  }
  Role role{.title_zh = std::string(FindString(json["title"], "zh")),
            .title_en = std::string(FindString(json["title"], "en"))};
  if (role.title_zh.empty() || role.title_en.empty()) {
    return absl::InvalidArgumentError("a title has a zh and an en");
  }
  base::PermissionSet permissions;
  for (const Json& permission : json["permissions"]) {
    if (!permission.is_string() || permission.get_ref<const std::string&>().empty()) {
      return absl::InvalidArgumentError("a permission is a string");
    }
    if (!permissions.insert(permission.get<std::string>()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(permission.get<std::string>(), " is listed twice"));
    }
  }
  role.permissions = std::make_shared<const base::PermissionSet>(std::move(permissions));
  return role;
}

}  // namespace

const Roles& Roles::BuiltIn() {
  static const Roles* const roles = [] {
    absl::StatusOr<Roles> parsed = Parse(kRolesJson);
    QM_CHECK(parsed.ok());
    return new Roles(*std::move(parsed));
  }();
  return *roles;
}

absl::StatusOr<Roles> Roles::Parse(absl::string_view json) {
  QM_ASSIGN_OR_RETURN(const Json file, ParseStrictJson(json, /*depth_max=*/4));
  if (!file.is_object()) return absl::InvalidArgumentError("roles are an object");
  Roles roles;
  for (const auto& [name, entry] : file.items()) {
    if (!IsId(name))
      return absl::InvalidArgumentError(absl::StrCat("role \"", name, "\": bad name"));
    absl::StatusOr<Role> role = ParseRole(entry);
    if (!role.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("role \"", name, "\": ", role.status().message()));
    }
    roles.roles_.emplace(name, *std::move(role));
  }
  return roles;
}

const Role* Roles::Find(absl::string_view name) const {
  const auto found = roles_.find(name);
  return found == roles_.end() ? nullptr : &found->second;
}

std::vector<base::Grant> Roles::Resolve(const std::vector<RoleGrant>& grants) const {
  std::vector<base::Grant> resolved;
  for (const RoleGrant& grant : grants) {
    const Role* role = Find(grant.role);
    if (role == nullptr || role->permissions->empty()) continue;
    resolved.push_back({grant.unit, role->permissions, grant.end_time});
  }
  return resolved;
}

base::Caller MakeCaller(const Claims& claims, const Roles& roles) {
  return {.name = absl::StrCat("persons/", claims.subject), .grants = roles.Resolve(claims.grants)};
}

}  // namespace quartermaster::auth
