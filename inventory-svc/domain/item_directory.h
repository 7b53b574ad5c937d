#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/catalog.h"
#include "inventory-svc/domain/ids.h"
#include "platform/base/mutex.h"
#include "platform/base/single_flight.h"

namespace quartermaster::inventory {

// An item with its row number.
struct KnownItem {
  ItemId id = {};
  Item item;
};

// Which items changed since some version of the catalog.
struct ItemChanges {
  int64_t version = 0;
  // Whether any item may have changed, and not those of `names` alone.
  bool is_everything = false;
  std::vector<std::string> names;
};

// Port: where items are kept. Thread-safe.
class ItemSource {
 public:
  virtual ~ItemSource() = default;
  // Returns those of the named items that exist, in any order.
  virtual absl::StatusOr<std::vector<KnownItem>> LoadItems(
      absl::Time deadline, const std::vector<std::string>& names) = 0;
  // Returns those of the items with these row numbers that exist, in any order.
  virtual absl::StatusOr<std::vector<KnownItem>> LoadItems(absl::Time deadline,
                                                           const std::vector<ItemId>& ids) = 0;
  // Names what changed since `known_version`.
  virtual absl::StatusOr<ItemChanges> LoadItemChanges(absl::Time deadline,
                                                      int64_t known_version) = 0;
};

// The items that calls asked for lately, in memory; what is not there is read through.
//
// A process sees its own changes at once, because who writes calls `Refresh`, and those of others
// within a poll (a second). What postings rest on never changes, so an old copy can only lack a
// unit that was declared a moment ago, or give a pack the amount of the version before.
//
// Thread-safe. `source` must outlive it.
class ItemDirectory {
 public:
  // Keeps `size_max` items, those used last.
  ItemDirectory(ItemSource& source, size_t size_max);

  // Forgets what changed before the call. Cheap when nothing did. The source's errors, which go to
  // all who wait for the same load; then nothing is forgotten. DEADLINE_EXCEEDED if the load of
  // others takes until `deadline`.
  absl::Status Refresh(absl::Time deadline);

  // Returns the items of `names`, in their order. ITEM_NOT_FOUND for the first that does not exist.
  absl::StatusOr<std::vector<std::shared_ptr<const KnownItem>>> GetItems(
      absl::Time deadline, const std::vector<std::string>& names);
  // Returns one item. ITEM_NOT_FOUND.
  absl::StatusOr<std::shared_ptr<const KnownItem>> GetItem(absl::Time deadline,
                                                           absl::string_view name);
  // Returns the items that balances and lots refer to, in the order asked. INTERNAL if one is gone:
  // the numbers come from our own tables.
  absl::StatusOr<std::vector<std::shared_ptr<const KnownItem>>> GetItemsById(
      absl::Time deadline, const std::vector<ItemId>& ids);

 private:
  using ItemPointer = std::shared_ptr<const KnownItem>;
  using Uses = std::list<ItemPointer>;

  absl::Status Load(absl::Time deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(refresh_mutex_);
  ItemPointer UseByName(absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  ItemPointer UseById(ItemId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Keeps `item` unless something was forgotten since `generation`: it may have been read before.
  void Keep(const ItemPointer& item, int64_t generation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  ItemSource& source_;
  const size_t size_max_;
  // One look for changes at a time, so that none is skipped.
  base::SingleFlight flight_;
  // Held across it, by whoever runs it; nobody else waits for it. Before `mutex_`.
  base::Mutex refresh_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  int64_t version_ ABSL_GUARDED_BY(refresh_mutex_) = -1;

  base::Mutex mutex_;
  // Goes up whenever something is forgotten.
  int64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
  // Used last comes first.
  Uses uses_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Uses::iterator> by_name_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<ItemId, Uses::iterator> by_id_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::inventory
