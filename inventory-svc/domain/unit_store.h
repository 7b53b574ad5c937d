#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/unit_tree.h"
#include "inventory-svc/domain/units.h"
#include "platform/document/document.h"
#include "platform/document/write.h"

namespace quartermaster::inventory {

// Port: units and locations inside one transaction. Valid only within the `Atomically` that handed
// it out. Not thread-safe.
class UnitBook : public virtual document::Book {
 public:
  // Takes the lock that whatever adds or moves a unit or adds a location takes first, and returns
  // the tree as it is while the lock is held.
  virtual absl::StatusOr<UnitTree> LockTree() = 0;
  // Writes where the unit hangs now; its version is appended beside. The tree must be locked and
  // know the parent, unless it is empty.
  virtual absl::Status RecordUnit(const Unit& unit) = 0;
  // Writes whose the new location is and of what kind. The tree must be locked and know the unit.
  virtual absl::Status RecordLocation(const Location& location) = 0;
};

// Port: where units and locations are kept. Thread-safe.
class UnitStore {
 public:
  virtual ~UnitStore() = default;

  // Runs `body` in one transaction and commits if it returns OK. `body` may run again, so it must
  // touch nothing but the book and locals of its own that it sets anew.
  virtual absl::Status Atomically(absl::Time deadline,
                                  absl::FunctionRef<absl::Status(UnitBook&)> body) = 0;

  // Finds units by name, in the order of their names; one that does not exist is missing.
  virtual absl::StatusOr<std::vector<document::Versioned<Unit>>> FindUnits(
      absl::Time deadline, const std::vector<std::string>& names) = 0;
  // The same for locations.
  virtual absl::StatusOr<std::vector<document::Versioned<Location>>> FindLocations(
      absl::Time deadline, const std::vector<std::string>& names) = 0;
};

}  // namespace quartermaster::inventory
