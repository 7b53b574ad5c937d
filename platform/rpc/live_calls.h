#pragma once

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/base/mutex.h"

namespace quartermaster::rpc {

// The calls that have begun and not yet ended: what a shutdown waits for, and names when it waits
// in vain. Thread-safe.
class LiveCalls {
 public:
  // `call` is any address that stands for the call; `method` must live as long as it is here.
  void Add(const void* call, absl::string_view method, absl::Time start);
  void Remove(const void* call);

  int64_t count() const;
  // Returns `Ledger/PostMovement for 12s`, and so on, oldest first, at most `count_max`.
  std::vector<std::string> Describe(absl::Time now, size_t count_max) const;

 private:
  struct Entry {
    absl::string_view method;
    absl::Time start;
  };
  mutable base::Mutex mutex_;
  absl::flat_hash_map<const void*, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::rpc
