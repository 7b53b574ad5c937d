#pragma once

#include <initializer_list>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/ids.h"
#include "inventory-svc/domain/unit_tree.h"
#include "platform/base/call.h"

// Which units a caller may act for. Judged on names, before anybody looks whether they exist.
namespace quartermaster::inventory {

// Checks that some grant of `caller` carries `permission` for `unit_name`. PERMISSION_DENIED
// otherwise, in the same words whether or not the unit exists: a unit that does not is covered by a
// grant on the root alone.
absl::Status CheckCovers(const base::Caller& caller, absl::string_view permission, absl::Time now,
                         const UnitTree& tree, absl::string_view unit_name);

// Returns the unit that a caller asks about, of `tree`, by which both are judged. PERMISSION_DENIED
// as `CheckCovers`, and only then UNIT_NOT_FOUND: so nobody is told that a unit does not exist but
// who covers the root, and sees all that do.
absl::StatusOr<UnitId> GetCovered(const base::Caller& caller, absl::string_view permission,
                                  absl::Time now, const UnitTree& tree,
                                  absl::string_view unit_name);

// `CheckCovers` as a question.
bool Covers(const base::Caller& caller, absl::string_view permission, absl::Time now,
            const UnitTree& tree, absl::string_view unit_name);

// Checks that some grant carries `permission` for the root, and so for everything.
// PERMISSION_DENIED otherwise, and while there is no unit at all.
absl::Status CheckCoversRoot(const base::Caller& caller, absl::string_view permission,
                             absl::Time now, const UnitTree& tree);

// Checks that `caller` may create the unit `unit_name` at the top. In an empty tree that asks for a
// grant on this very name; once there is a root it asks for a grant on that, and is refused later.
absl::Status CheckMayPlantRoot(const base::Caller& caller, absl::string_view permission,
                               absl::Time now, const UnitTree& tree, absl::string_view unit_name);

// Checks that the name of something new is the caller's to give. Names are unique over all units,
// so a free choice would tell what others have: it is for who covers the root and sees them anyway.
// Anybody else gives names of the form `{unit}-…`, the unit being the one that it will belong to,
// which they cover. PERMISSION_DENIED, reason `ID_OUT_OF_SCOPE`, whether or not the name is taken.
// Metadata: `id`, `prefix`.
absl::Status CheckMayName(const base::Caller& caller, absl::string_view permission, absl::Time now,
                          const UnitTree& tree, absl::string_view unit_name, absl::string_view id);

// The units that a caller's grants cover with some permission, found once for a call that judges
// many names. Immutable, and so Thread-safe; `caller` must outlive it.
class Scope {
 public:
  // Of units covered with any of `permissions`.
  Scope(const base::Caller& caller, std::initializer_list<absl::string_view> permissions,
        absl::Time now, std::shared_ptr<const UnitTree> tree);

  // Tells whether `unit_name` is covered, as `CheckCovers` judges it.
  bool Covers(absl::string_view unit_name) const;
  // Returns every unit that is covered and exists, some of them twice.
  std::vector<UnitId> Units() const;

 private:
  std::vector<absl::string_view> granted_;
  std::shared_ptr<const UnitTree> tree_;
};

}  // namespace quartermaster::inventory
