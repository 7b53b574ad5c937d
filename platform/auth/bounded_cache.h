#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "platform/base/check.h"
#include "platform/base/mutex.h"
#include "platform/base/sha256.h"

namespace quartermaster::auth {

// Remembers what was found out about a token, by the token's SHA-256, until it expires. Never holds
// more than `size_max` values: the one that was asked for least recently makes room. A value should
// be cheap to copy. Thread-safe.
template <typename Value>
class BoundedCache {
 public:
  explicit BoundedCache(size_t size_max) : size_max_(size_max) { QM_CHECK(size_max > 0); }

  // Returns the value unless it is unknown or has expired by `now`.
  std::optional<Value> Find(const base::Sha256Digest& key, absl::Time now) {
    base::MutexLock lock(&mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return std::nullopt;
    if (now >= found->second->expire_time) {
      by_use_.erase(found->second);
      by_key_.erase(found);
      return std::nullopt;
    }
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return found->second->value;
  }

  // Remembers the value, in place of what was known under the key.
  void Insert(const base::Sha256Digest& key, Value value, absl::Time expire_time) {
    base::MutexLock lock(&mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
      by_use_.erase(found->second);
      by_key_.erase(found);
    }
    if (by_use_.size() == size_max_) {
      by_key_.erase(by_use_.back().key);
      by_use_.pop_back();
    }
    by_use_.push_front({key, std::move(value), expire_time});
    by_key_.emplace(key, by_use_.begin());
  }

  size_t size() const {
    base::MutexLock lock(&mutex_);
    return by_use_.size();
  }

 private:
  struct Entry {
    base::Sha256Digest key;
    Value value;
    absl::Time expire_time;
  };

  const size_t size_max_;
  mutable base::Mutex mutex_;
  // Most recently used first.
  std::list<Entry> by_use_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<base::Sha256Digest, typename std::list<Entry>::iterator> by_key_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::auth
