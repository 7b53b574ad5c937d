#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "inventory-svc/domain/page.h"
#include "inventory-svc/domain/unit_directory.h"
#include "inventory-svc/domain/unit_store.h"
#include "inventory-svc/domain/units.h"
#include "platform/base/call.h"
#include "platform/base/clock.h"
#include "platform/base/uuid.h"

namespace quartermaster::inventory {

// Creates `unit`, whose times are left out.
struct CreateUnitCommand {
  Unit unit;
  base::Uuid request_id;
};
// Makes a unit what `unit` says, but for its parent and its times.
struct UpdateUnitCommand {
  Unit unit;
  std::string etag;
  base::Uuid request_id;
};
struct MoveUnitCommand {
  std::string name;
  std::string parent;
  std::string etag;
  base::Uuid request_id;
};
// Creates `location`, whose times are left out.
struct CreateLocationCommand {
  Location location;
  base::Uuid request_id;
};
// Gives a location the title and the custodian of `location`.
struct UpdateLocationCommand {
  Location location;
  std::string etag;
  base::Uuid request_id;
};

// The use cases of units and locations; errors and their order as documented at `Units`. Knows
// neither SQL nor proto. Thread-safe; what it is given must outlive it.
class UnitRegistry {
 public:
  UnitRegistry(UnitStore& store, UnitDirectory& directory, const base::Clock& clock)
      : store_(store), directory_(directory), clock_(clock) {}

  absl::StatusOr<document::Versioned<Unit>> CreateUnit(const base::Call& call,
                                                       const CreateUnitCommand& command);
  absl::StatusOr<document::Versioned<Unit>> GetUnit(const base::Call& call,
                                                    const std::string& name);
  // Lists `root`, or everything if that is empty, as far as the caller's grants reach.
  absl::StatusOr<Page<document::Versioned<Unit>>> ListUnits(const base::Call& call,
                                                            const std::string& root,
                                                            const PageRequest& page);
  absl::StatusOr<document::Versioned<Unit>> UpdateUnit(const base::Call& call,
                                                       const UpdateUnitCommand& command);
  absl::StatusOr<document::Versioned<Unit>> MoveUnit(const base::Call& call,
                                                     const MoveUnitCommand& command);

  absl::StatusOr<document::Versioned<Location>> CreateLocation(
      const base::Call& call, const CreateLocationCommand& command);
  absl::StatusOr<document::Versioned<Location>> GetLocation(const base::Call& call,
                                                            const std::string& name);
  absl::StatusOr<Page<document::Versioned<Location>>> ListLocations(const base::Call& call,
                                                                    const std::string& parent,
                                                                    const PageRequest& page);
  absl::StatusOr<document::Versioned<Location>> UpdateLocation(
      const base::Call& call, const UpdateLocationCommand& command);

 private:
  // Checks that the caller's grants cover each of `units`. PERMISSION_DENIED.
  absl::Status CheckMay(const base::Call& call, absl::string_view permission,
                        const std::vector<std::string>& units);
  absl::Status CheckMayCreate(const base::Call& call, const Unit& unit);
  // Shows this process what it wrote. Failing is no reason to call a committed write failed: the
  // next poll shows it.
  void ShowWritten(absl::Time deadline) { directory_.Refresh(deadline).IgnoreError(); }

  UnitStore& store_;
  UnitDirectory& directory_;
  const base::Clock& clock_;
};

template <typename V>
void VisitFields(V& visit, CreateUnitCommand& command) {
  visit(command.unit);
}
template <typename V>
void VisitFields(V& visit, UpdateUnitCommand& command) {
  visit(command.unit, command.etag);
}
template <typename V>
void VisitFields(V& visit, MoveUnitCommand& command) {
  visit(command.name, command.parent, command.etag);
}
template <typename V>
void VisitFields(V& visit, CreateLocationCommand& command) {
  visit(command.location);
}
template <typename V>
void VisitFields(V& visit, UpdateLocationCommand& command) {
  visit(command.location, command.etag);
}

}  // namespace quartermaster::inventory
