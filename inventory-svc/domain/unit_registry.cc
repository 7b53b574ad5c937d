#include "inventory-svc/domain/unit_registry.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "inventory-svc/domain/names.h"
#include "inventory-svc/domain/scope.h"
#include "inventory-svc/domain/unit_errors.h"
#include "platform/base/status_macros.h"
#include "platform/document/write.h"
#include "platform/status/error.h"
#include "platform/values/canonical.h"

namespace quartermaster::inventory {
namespace {

using document::Change;
using document::Current;
using document::Versioned;

constexpr char kManage[] = "units.manage";
constexpr char kRead[] = "units.read";

// Cuts the part of `names`, which are sorted, that a page shows.
Page<std::string> Cut(const std::vector<std::string>& names, const PageRequest& page) {
  const auto first = std::ranges::upper_bound(names, page.after);
  const auto rest = static_cast<size_t>(names.end() - first);
  const size_t count = std::min(rest, static_cast<size_t>(page.size));
  Page<std::string> cut{.rows = {first, first + static_cast<std::ptrdiff_t>(count)}};
  if (count < rest) cut.next_after = cut.rows.back();
  return cut;
}

}  // namespace

absl::Status UnitRegistry::CheckMay(const base::Call& call, absl::string_view permission,
                                    const std::vector<std::string>& units) {
  QM_ASSIGN_OR_RETURN(const auto tree, directory_.TreeWith(call.deadline, units));
  for (const std::string& unit : units) {
    QM_RETURN_IF_ERROR(CheckCovers(call.caller, permission, clock_.Now(), *tree, unit));
  }
  return absl::OkStatus();
}

absl::Status UnitRegistry::CheckMayCreate(const base::Call& call, const Unit& unit) {
  if (!unit.parent.empty()) {
    QM_RETURN_IF_ERROR(CheckMay(call, kManage, {unit.parent}));
    return CheckMayName(call.caller, kManage, clock_.Now(), *directory_.tree(), unit.parent,
                        LastSegment(unit.name));
  }
  QM_ASSIGN_OR_RETURN(const auto tree, directory_.TreeWith(call.deadline, {unit.name}));
  return CheckMayPlantRoot(call.caller, kManage, clock_.Now(), *tree, unit.name);
}

absl::StatusOr<Versioned<Unit>> UnitRegistry::CreateUnit(const base::Call& call,
                                                         const CreateUnitCommand& command) {
  QM_RETURN_IF_ERROR(CheckMayCreate(call, command.unit));
  UnitTree tree;
  const absl::StatusOr<Versioned<Unit>> created = document::Write<Unit, UnitBook>(
      store_, call.deadline,
      document::MakeRequest(call, command.request_id, canonical::Hash("create-unit.1", command)),
      command.unit.name, clock_.Now(),
      {.lock = [&](UnitBook& book) -> absl::StatusOr<Current<Unit>> {
         QM_ASSIGN_OR_RETURN(tree, book.LockTree());
         return document::Find<Unit>(book, command.unit.name);
       },
       .authorize = document::AuthorizedByName<Unit>,
       .decide = [&](UnitBook& book, const Current<Unit>& current,
                     absl::Time record_time) -> absl::StatusOr<Change<Unit>> {
         const std::string& parent = command.unit.parent;
         if (parent.empty() && !tree.empty()) {
           return status::InvalidFields({{"unit.parent", "only the first unit has no parent"}});
         }
         if (!parent.empty() && !tree.Find(parent).has_value()) return UnitNotFound(parent);
         if (current.has_value()) return UnitExists(command.unit.name);
         Change<Unit> change{.after = command.unit};
         change.after.create_time = change.after.update_time = record_time;
         QM_RETURN_IF_ERROR(book.RecordUnit(change.after));
         return change;
       }});
  if (created.ok()) ShowWritten(call.deadline);
  return created;
}

absl::StatusOr<Versioned<Unit>> UnitRegistry::GetUnit(const base::Call& call,
                                                      const std::string& name) {
  QM_RETURN_IF_ERROR(CheckMay(call, kRead, {name}));
  QM_ASSIGN_OR_RETURN(std::vector<Versioned<Unit>> units, store_.FindUnits(call.deadline, {name}));
  if (units.empty()) return UnitNotFound(name);
  return std::move(units.front());
}

absl::StatusOr<Page<Versioned<Unit>>> UnitRegistry::ListUnits(const base::Call& call,
                                                              const std::string& root,
                                                              const PageRequest& page) {
  QM_RETURN_IF_ERROR(directory_.LookAgain(call.deadline));
  const std::shared_ptr<const UnitTree> tree = directory_.tree();
  std::vector<UnitId> units;
  if (root.empty()) {
    units = Scope(call.caller, {kRead}, clock_.Now(), tree).Units();
  } else {
    QM_ASSIGN_OR_RETURN(const UnitId top,
                        GetCovered(call.caller, kRead, clock_.Now(), *tree, root));
    units = tree->Subtree(top);
  }
  std::vector<std::string> names;
  for (const UnitId unit : units) names.push_back(std::string(tree->NameOf(unit)));
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  Page<std::string> cut = Cut(names, page);
  QM_ASSIGN_OR_RETURN(std::vector<Versioned<Unit>> rows, store_.FindUnits(call.deadline, cut.rows));
  return Page<Versioned<Unit>>{std::move(rows), std::move(cut.next_after)};
}

absl::StatusOr<Versioned<Unit>> UnitRegistry::UpdateUnit(const base::Call& call,
                                                         const UpdateUnitCommand& command) {
  QM_RETURN_IF_ERROR(CheckMay(call, kManage, {command.unit.name}));
  return document::Write<Unit, UnitBook>(
      store_, call.deadline,
      document::MakeRequest(call, command.request_id, canonical::Hash("update-unit.1", command)),
      command.unit.name, clock_.Now(),
      {.lock = [&](UnitBook& book) { return document::Lock<Unit>(book, command.unit.name); },
       .authorize = document::AuthorizedByName<Unit>,
       .decide = [&](UnitBook&, const Current<Unit>& current,
                     absl::Time record_time) -> absl::StatusOr<Change<Unit>> {
         if (!current.has_value()) return UnitNotFound(command.unit.name);
         QM_RETURN_IF_ERROR(document::CheckEtag(command.unit.name, current->version, command.etag));
         Change<Unit> change{.after = command.unit};
         change.after.parent = current->body.parent;
         change.after.create_time = current->body.create_time;
         change.after.update_time = record_time;
         return change;
       }});
}

absl::StatusOr<Versioned<Unit>> UnitRegistry::MoveUnit(const base::Call& call,
                                                       const MoveUnitCommand& command) {
  QM_RETURN_IF_ERROR(CheckMay(call, kManage, {command.name, command.parent}));
  UnitTree tree;
  const absl::StatusOr<Versioned<Unit>> moved = document::Write<Unit, UnitBook>(
      store_, call.deadline,
      document::MakeRequest(call, command.request_id, canonical::Hash("move-unit.1", command)),
      command.name, clock_.Now(),
      {.lock = [&](UnitBook& book) -> absl::StatusOr<Current<Unit>> {
         QM_ASSIGN_OR_RETURN(tree, book.LockTree());
         return document::Lock<Unit>(book, command.name);
       },
       .authorize = document::AuthorizedByName<Unit>,
       .decide = [&](UnitBook& book, const Current<Unit>& current,
                     absl::Time record_time) -> absl::StatusOr<Change<Unit>> {
         if (!current.has_value()) return UnitNotFound(command.name);
         if (!tree.Find(command.parent).has_value()) return UnitNotFound(command.parent);
         QM_RETURN_IF_ERROR(document::CheckEtag(command.name, current->version, command.etag));
         if (tree.Covers(command.name, command.parent)) {
           return UnitCycle(command.name, command.parent);
         }
         Change<Unit> change{.after = current->body};
         change.after.parent = command.parent;
         change.after.update_time = record_time;
         QM_RETURN_IF_ERROR(book.RecordUnit(change.after));
         return change;
       }});
  if (moved.ok()) ShowWritten(call.deadline);
  return moved;
}

absl::StatusOr<Versioned<Location>> UnitRegistry::CreateLocation(
    const base::Call& call, const CreateLocationCommand& command) {
  const std::string& name = command.location.name;
  const std::string unit(UnitOfLocation(name));
  QM_RETURN_IF_ERROR(CheckMay(call, kManage, {unit}));
  UnitTree tree;
  const absl::StatusOr<Versioned<Location>> created = document::Write<Location, UnitBook>(
      store_, call.deadline,
      document::MakeRequest(call, command.request_id,
                            canonical::Hash("create-location.1", command)),
      name, clock_.Now(),
      {.lock = [&](UnitBook& book) -> absl::StatusOr<Current<Location>> {
         QM_ASSIGN_OR_RETURN(tree, book.LockTree());
         return document::Find<Location>(book, name);
       },
       .authorize = document::AuthorizedByName<Location>,
       .decide = [&](UnitBook& book, const Current<Location>& current,
                     absl::Time record_time) -> absl::StatusOr<Change<Location>> {
         if (!tree.Find(unit).has_value()) return UnitNotFound(unit);
         if (current.has_value()) return LocationExists(name);
         Change<Location> change{.after = command.location};
         change.after.create_time = change.after.update_time = record_time;
         QM_RETURN_IF_ERROR(book.RecordLocation(change.after));
         return change;
       }});
  if (created.ok()) ShowWritten(call.deadline);
  return created;
}

absl::StatusOr<Versioned<Location>> UnitRegistry::GetLocation(const base::Call& call,
                                                              const std::string& name) {
  QM_RETURN_IF_ERROR(CheckMay(call, kRead, {std::string(UnitOfLocation(name))}));
  QM_ASSIGN_OR_RETURN(std::vector<Versioned<Location>> locations,
                      store_.FindLocations(call.deadline, {name}));
  if (locations.empty()) return LocationNotFound(name);
  return std::move(locations.front());
}

absl::StatusOr<Page<Versioned<Location>>> UnitRegistry::ListLocations(const base::Call& call,
                                                                      const std::string& parent,
                                                                      const PageRequest& page) {
  QM_RETURN_IF_ERROR(directory_.LookAgain(call.deadline));
  const std::shared_ptr<const UnitTree> tree = directory_.tree();
  QM_ASSIGN_OR_RETURN(const UnitId unit,
                      GetCovered(call.caller, kRead, clock_.Now(), *tree, parent));
  std::vector<std::string> names;
  for (const auto& location : directory_.LocationsOf(tree->Subtree(unit))) {
    names.push_back(location->name);
  }
  std::ranges::sort(names);
  Page<std::string> cut = Cut(names, page);
  QM_ASSIGN_OR_RETURN(std::vector<Versioned<Location>> locations,
                      store_.FindLocations(call.deadline, cut.rows));
  return Page<Versioned<Location>>{std::move(locations), std::move(cut.next_after)};
}

absl::StatusOr<Versioned<Location>> UnitRegistry::UpdateLocation(
    const base::Call& call, const UpdateLocationCommand& command) {
  const std::string& name = command.location.name;
  QM_RETURN_IF_ERROR(CheckMay(call, kManage, {std::string(UnitOfLocation(name))}));
  return document::Write<Location, UnitBook>(
      store_, call.deadline,
      document::MakeRequest(call, command.request_id,
                            canonical::Hash("update-location.1", command)),
      name, clock_.Now(),
      {.lock = [&](UnitBook& book) { return document::Lock<Location>(book, name); },
       .authorize = document::AuthorizedByName<Location>,
       .decide = [&](UnitBook&, const Current<Location>& current,
                     absl::Time record_time) -> absl::StatusOr<Change<Location>> {
         if (!current.has_value()) return LocationNotFound(name);
         QM_RETURN_IF_ERROR(document::CheckEtag(name, current->version, command.etag));
         // Its kind stays: postings of flammables rest on it.
         Change<Location> change{.after = current->body};
         change.after.title = command.location.title;
         change.after.custodian = command.location.custodian;
         change.after.update_time = record_time;
         return change;
       }});
}

}  // namespace quartermaster::inventory
