#pragma once

#include <cstddef>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "inventory-svc/domain/ledger_types.h"
#include "platform/base/mutex.h"

namespace quartermaster::inventory {

// Remembers which row keeps which balance. Rows are never deleted, so what is remembered stays true
// for good; when full it forgets everything and is filled anew. Thread-safe.
class BalanceIds {
 public:
  explicit BalanceIds(size_t size_max) : size_max_(size_max) {}

  std::optional<BalanceId> Find(const BalanceKey& key) const {
    base::MutexLock lock(&mutex_);
    const auto id = ids_.find(key);
    return id == ids_.end() ? std::nullopt : std::optional(id->second);
  }

  void Remember(const BalanceKey& key, BalanceId id) {
    base::MutexLock lock(&mutex_);
    if (ids_.size() >= size_max_) ids_.clear();
    ids_[key] = id;
  }

 private:
  const size_t size_max_;
  mutable base::Mutex mutex_;
  absl::flat_hash_map<BalanceKey, BalanceId> ids_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::inventory
