#include "inventory-svc/domain/unit_directory.h"

#include <algorithm>
#include <utility>

#include "inventory-svc/domain/unit_errors.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {

UnitDirectory::UnitDirectory(UnitSource& source, const base::Clock& clock,
                             absl::Duration look_again_after)
    : source_(source),
      clock_(clock),
      look_again_after_(look_again_after),
      flight_(status::DeadlineExceeded("the units were being read for another call")),
      tree_(std::make_shared<const UnitTree>()) {}

absl::Status UnitDirectory::Refresh(absl::Time deadline) {
  return flight_.Fly(deadline, [&] {
    base::MutexLock refreshing(&refresh_mutex_);
    return Load(deadline);
  });
}

absl::Status UnitDirectory::LookAgain(absl::Time deadline) {
  return flight_.JoinOrFly(deadline, [&] {
    base::MutexLock refreshing(&refresh_mutex_);
    const absl::Duration age = clock_.Now() - loaded_time_;
    // A clock that was set back must not keep us from looking.
    if (age >= absl::ZeroDuration() && age < look_again_after_) return absl::OkStatus();
    return Load(deadline);
  });
}

absl::Status UnitDirectory::Load(absl::Time deadline) {
  const absl::Time now = clock_.Now();
  QM_ASSIGN_OR_RETURN(UnitChanges changes, source_.LoadUnitChanges(deadline, version_));
  if (changes.version != version_) QM_RETURN_IF_ERROR(Apply(std::move(changes)));
  loaded_time_ = now;
  return absl::OkStatus();
}

absl::Status UnitDirectory::Apply(UnitChanges changes) {
  absl::flat_hash_map<UnitId, UnitNode> nodes;
  if (!changes.is_complete) nodes = nodes_;
  for (UnitNode& unit : changes.units) nodes.insert_or_assign(unit.id, std::move(unit));
  std::vector<UnitNode> all;
  all.reserve(nodes.size());
  for (const auto& [id, node] : nodes) all.push_back(node);
  QM_ASSIGN_OR_RETURN(UnitTree tree, UnitTree::Make(std::move(all)));

  nodes_ = std::move(nodes);
  version_ = changes.version;
  base::MutexLock lock(&mutex_);
  tree_ = std::make_shared<const UnitTree>(std::move(tree));
  is_loaded_ = true;
  if (changes.is_complete) {
    locations_by_name_.clear();
    locations_by_id_.clear();
    locations_by_unit_.clear();
  }
  for (LocationFacts& changed : changes.locations) {
    const auto location = std::make_shared<const LocationFacts>(std::move(changed));
    locations_by_name_[location->name] = location;
    // A location never leaves its unit.
    const bool is_new = locations_by_id_.insert_or_assign(location->id, location).second;
    if (is_new) locations_by_unit_[location->unit].push_back(location->id);
  }
  return absl::OkStatus();
}

bool UnitDirectory::is_loaded() const {
  base::MutexLock lock(&mutex_);
  return is_loaded_;
}

std::shared_ptr<const UnitTree> UnitDirectory::tree() const {
  base::MutexLock lock(&mutex_);
  return tree_;
}

absl::StatusOr<std::shared_ptr<const UnitTree>> UnitDirectory::TreeWith(
    absl::Time deadline, const std::vector<std::string>& unit_names) {
  std::shared_ptr<const UnitTree> known = tree();
  const bool knows_all = std::ranges::all_of(
      unit_names, [&](const std::string& name) { return known->Find(name).has_value(); });
  if (knows_all) return known;
  QM_RETURN_IF_ERROR(LookAgain(deadline));
  return tree();
}

std::shared_ptr<const LocationFacts> UnitDirectory::FindLocation(absl::string_view name) const {
  base::MutexLock lock(&mutex_);
  const auto found = locations_by_name_.find(name);
  return found == locations_by_name_.end() ? nullptr : found->second;
}

std::shared_ptr<const LocationFacts> UnitDirectory::FindLocation(LocationId id) const {
  base::MutexLock lock(&mutex_);
  const auto found = locations_by_id_.find(id);
  return found == locations_by_id_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const LocationFacts>> UnitDirectory::LocationsOf(
    const std::vector<UnitId>& units) const {
  std::vector<std::shared_ptr<const LocationFacts>> locations;
  base::MutexLock lock(&mutex_);
  for (const UnitId unit : units) {
    const auto ids = locations_by_unit_.find(unit);
    if (ids == locations_by_unit_.end()) continue;
    for (const LocationId id : ids->second) locations.push_back(locations_by_id_.at(id));
  }
  return locations;
}

absl::StatusOr<std::shared_ptr<const LocationFacts>> UnitDirectory::GetLocation(
    absl::Time deadline, absl::string_view name) {
  if (auto known = FindLocation(name)) return known;
  QM_RETURN_IF_ERROR(LookAgain(deadline));
  if (auto found = FindLocation(name)) return found;
  return LocationNotFound(name);
}

}  // namespace quartermaster::inventory
