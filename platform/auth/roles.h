#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "platform/auth/grants.h"
#include "platform/auth/jwt.h"
#include "platform/base/call.h"

namespace quartermaster::auth {

// What a person or system is in a unit, and what that permits.
struct Role {
  std::string title_zh;
  std::string title_en;
  // May be empty: whoever runs the machines needs no business data.
  std::shared_ptr<const base::PermissionSet> permissions;
};

// The roles by name. Immutable, hence thread-safe.
class Roles {
 public:
  // The roles of `roles.json`, which is part of the program.
  static const Roles& BuiltIn();
  // Reads such a file. INVALID_ARGUMENT, naming the role, if it is malformed.
  static absl::StatusOr<Roles> Parse(absl::string_view json);

  const Role* Find(absl::string_view name) const;
  const absl::btree_map<std::string, Role>& all() const { return roles_; }

  // Returns what the grants permit. One whose role is unknown gives nothing: deny by default.
  std::vector<base::Grant> Resolve(const std::vector<RoleGrant>& grants) const;

 private:
  absl::btree_map<std::string, Role> roles_;
};

// Returns the person of whom `claims` tell, `persons/{subject}`, with what the grants permit.
base::Caller MakeCaller(const Claims& claims, const Roles& roles);

}  // namespace quartermaster::auth
