#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "inventory-svc/domain/ids.h"

namespace quartermaster::inventory {

// Where one unit hangs.
struct UnitNode {
  UnitId id;
  // `units/{unit}`.
  std::string name;
  // None for the root alone.
  std::optional<UnitId> parent;
};

// The tree of units as it was at one moment: who is beneath whom, by name and by row number.
// Immutable, and so Thread-safe.
class UnitTree {
 public:
  // The tree before the first unit.
  UnitTree() = default;
  // Builds the tree of `nodes`, in any order. INTERNAL if they are not one tree: they come from our
  // own tables.
  static absl::StatusOr<UnitTree> Make(std::vector<UnitNode> nodes);

  bool empty() const { return nodes_.empty(); }
  // Returns the name of the unit that all others are beneath; empty before the first unit.
  absl::string_view root_name() const;
  // Tells whether `unit_name` is `ancestor_unit_name` or beneath it. A unit that does not exist is
  // beneath the root alone, so that who is not answerable for everything learns nothing of it.
  bool Covers(absl::string_view ancestor_unit_name, absl::string_view unit_name) const;
  std::optional<UnitId> Find(absl::string_view name) const;
  // Returns the name of a unit of this tree; empty for any other.
  absl::string_view NameOf(UnitId unit) const;
  // Returns the unit above; none for the root or a unit that is not of this tree.
  std::optional<UnitId> ParentOf(UnitId unit) const;
  // Returns the unit and all beneath it, itself first; nothing for a unit that is not of this tree.
  std::vector<UnitId> Subtree(UnitId unit) const;

 private:
  // Places in `nodes_`, which is in depth-first order: what is beneath a node follows it at once.
  struct Span {
    size_t first;
    size_t end;
  };

  std::optional<Span> FindSpan(absl::string_view name) const;

  std::vector<UnitNode> nodes_;
  absl::flat_hash_map<UnitId, Span> spans_;
  absl::flat_hash_map<std::string, UnitId> ids_;
};

}  // namespace quartermaster::inventory
