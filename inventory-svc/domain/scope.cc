#include "inventory-svc/domain/scope.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "platform/status/error.h"

namespace quartermaster::inventory {

bool Covers(const base::Caller& caller, absl::string_view permission, absl::Time now,
            const UnitTree& tree, absl::string_view unit_name) {
  return std::ranges::any_of(caller.UnitsWith(permission, now), [&](absl::string_view granted) {
    return tree.Covers(granted, unit_name);
  });
}

absl::Status CheckCovers(const base::Caller& caller, absl::string_view permission, absl::Time now,
                         const UnitTree& tree, absl::string_view unit_name) {
  if (Covers(caller, permission, now, tree, unit_name)) return absl::OkStatus();
  return status::PermissionDenied(permission, unit_name);
}

absl::Status CheckCoversRoot(const base::Caller& caller, absl::string_view permission,
                             absl::Time now, const UnitTree& tree) {
  if (!tree.empty() && Covers(caller, permission, now, tree, tree.root_name())) {
    return absl::OkStatus();
  }
  // The root's name is not told to who may not act for it.
  return status::PermissionDenied(permission, "the root unit");
}

absl::Status CheckMayPlantRoot(const base::Caller& caller, absl::string_view permission,
                               absl::Time now, const UnitTree& tree, absl::string_view unit_name) {
  if (!tree.empty()) return CheckCoversRoot(caller, permission, now, tree);
  if (std::ranges::count(caller.UnitsWith(permission, now), unit_name) > 0) return absl::OkStatus();
  return status::PermissionDenied(permission, unit_name);
}

Scope::Scope(const base::Caller& caller, absl::string_view permission, absl::Time now,
             std::shared_ptr<const UnitTree> tree)
    : granted_(caller.UnitsWith(permission, now)), tree_(std::move(tree)) {}

bool Scope::Covers(absl::string_view unit_name) const {
  return std::ranges::any_of(
      granted_, [&](absl::string_view granted) { return tree_->Covers(granted, unit_name); });
}

std::vector<UnitId> Scope::Units() const {
  std::vector<UnitId> units;
  for (const absl::string_view granted : granted_) {
    const std::optional<UnitId> id = tree_->Find(granted);
    if (!id.has_value()) continue;
    const std::vector<UnitId> subtree = tree_->Subtree(*id);
    units.insert(units.end(), subtree.begin(), subtree.end());
  }
  return units;
}

}  // namespace quartermaster::inventory
