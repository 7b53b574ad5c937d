#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/unit_tree.h"
#include "inventory-svc/domain/units.h"
#include "platform/base/clock.h"
#include "platform/base/mutex.h"
#include "platform/base/single_flight.h"

namespace quartermaster::inventory {

// What became of units and locations since some version of the directory.
struct UnitChanges {
  // The directory's version that these lead up to, or a little past it.
  int64_t version = 0;
  // Whether these are all there are, and not the changed ones alone.
  bool is_complete = false;
  std::vector<UnitNode> units;
  std::vector<LocationFacts> locations;
};

// Port: where the directory is kept. Thread-safe.
class UnitSource {
 public:
  virtual ~UnitSource() = default;
  // Returns what changed since `known_version`; everything if `known_version` is not in the past of
  // what is kept.
  virtual absl::StatusOr<UnitChanges> LoadUnitChanges(absl::Time deadline,
                                                      int64_t known_version) = 0;
};

// The tree of units and the index of locations, in memory, because every call asks them.
//
// A process sees its own changes at once, because who writes calls `Refresh`, and those of others
// within a poll (a second); a name that is not known is looked for before it is said not to exist.
// So a unit that another replica moved is judged by its old place for a poll at most.
//
// However many unknown names are asked for, the source is asked once in `look_again_after` for all
// of them together: a name may be said not to exist for so long after another replica made it.
//
// Thread-safe. `source` and `clock` must outlive it.
class UnitDirectory {
 public:
  UnitDirectory(UnitSource& source, const base::Clock& clock, absl::Duration look_again_after);

  // Takes in what changed before the call. Cheap when nothing did. The source's errors, which go to
  // all who wait for the same load; what was known stays. DEADLINE_EXCEEDED if the load of others
  // takes until `deadline`.
  absl::Status Refresh(absl::Time deadline);
  // The same, unless the source answered less than `look_again_after` ago; whoever comes while it
  // is being asked takes its answer.
  absl::Status LookAgain(absl::Time deadline);
  // Tells whether it was ever filled: without that no call can be judged.
  bool is_loaded() const;

  std::shared_ptr<const UnitTree> tree() const;
  // Returns the tree after having looked again if one of `unit_names` is not in it: another replica
  // may have created the unit a moment ago.
  absl::StatusOr<std::shared_ptr<const UnitTree>> TreeWith(
      absl::Time deadline, const std::vector<std::string>& unit_names);

  // Returns what is known of a location; null if nothing is.
  std::shared_ptr<const LocationFacts> FindLocation(absl::string_view name) const;
  std::shared_ptr<const LocationFacts> FindLocation(LocationId id) const;
  // Returns the known locations of all of `units`, in no order.
  std::vector<std::shared_ptr<const LocationFacts>> LocationsOf(
      const std::vector<UnitId>& units) const;
  // Returns what is known of a location, having looked again if nothing is. LOCATION_NOT_FOUND.
  absl::StatusOr<std::shared_ptr<const LocationFacts>> GetLocation(absl::Time deadline,
                                                                   absl::string_view name);

 private:
  absl::Status Load(absl::Time deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(refresh_mutex_);
  absl::Status Apply(UnitChanges changes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(refresh_mutex_);

  UnitSource& source_;
  const base::Clock& clock_;
  const absl::Duration look_again_after_;
  // One load at a time, so that changes are applied in the order they were read.
  base::SingleFlight flight_;
  // Held across the load, by whoever runs it; nobody else waits for it. Before `mutex_`.
  base::Mutex refresh_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  int64_t version_ ABSL_GUARDED_BY(refresh_mutex_) = -1;
  // When the source was asked that answered last.
  absl::Time loaded_time_ ABSL_GUARDED_BY(refresh_mutex_) = absl::InfinitePast();
  absl::flat_hash_map<UnitId, UnitNode> nodes_ ABSL_GUARDED_BY(refresh_mutex_);

  mutable base::Mutex mutex_;
  bool is_loaded_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<const UnitTree> tree_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::shared_ptr<const LocationFacts>> locations_by_name_
      ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<LocationId, std::shared_ptr<const LocationFacts>> locations_by_id_
      ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<UnitId, std::vector<LocationId>> locations_by_unit_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::inventory
