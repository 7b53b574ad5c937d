#include "inventory-svc/domain/scope.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "inventory-svc/domain/names.h"
#include "inventory-svc/domain/unit_errors.h"
#include "platform/base/status_macros.h"
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

absl::StatusOr<UnitId> GetCovered(const base::Caller& caller, absl::string_view permission,
                                  absl::Time now, const UnitTree& tree,
                                  absl::string_view unit_name) {
  QM_RETURN_IF_ERROR(CheckCovers(caller, permission, now, tree, unit_name));
  const std::optional<UnitId> unit = tree.Find(unit_name);
  if (!unit.has_value()) return UnitNotFound(unit_name);
  return *unit;
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

absl::Status CheckMayName(const base::Caller& caller, absl::string_view permission, absl::Time now,
                          const UnitTree& tree, absl::string_view unit_name, absl::string_view id) {
  if (CheckCoversRoot(caller, permission, now, tree).ok()) return absl::OkStatus();
  const std::string prefix = absl::StrCat(LastSegment(unit_name), "-");
  if (absl::StartsWith(id, prefix)) return absl::OkStatus();
  return status::MakeError(
      absl::StatusCode::kPermissionDenied,
      absl::StrCat("you may give no such id as ", id, "; choose one that begins with ", prefix),
      {.reason = "ID_OUT_OF_SCOPE", .metadata = {{"id", std::string(id)}, {"prefix", prefix}}});
}

Scope::Scope(const base::Caller& caller, std::initializer_list<absl::string_view> permissions,
             absl::Time now, std::shared_ptr<const UnitTree> tree)
    : tree_(std::move(tree)) {
  for (const absl::string_view permission : permissions) {
    for (const absl::string_view unit : caller.UnitsWith(permission, now)) granted_.push_back(unit);
  }
}

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
