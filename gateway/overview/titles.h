#pragma once

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/base/mutex.h"
#include "quartermaster/type/v1/quantity.pb.h"

namespace quartermaster::gateway {

// Remembers by which names people call units and items, for a while. Thread-safe.
//
// Names of things are no secret, but which things exist is: so only those may be looked up that the
// caller was shown anyway.
class Titles {
 public:
  struct Options {
    // Older ones count as unknown.
    absl::Duration age_max = absl::Minutes(1);
    // When it is full, all are forgotten.
    size_t size_max = 50'000;
  };

  explicit Titles(const Options& options) : options_(options) {}

  void Remember(absl::string_view name, const type::v1::Title& title, absl::Time now);

  // Looks up every one of `names`. Returns whether all were known and young enough; those that were
  // known at all are in `titles`, in the order of `names`, each with its name.
  struct Found {
    std::string name;
    type::v1::Title title;
  };
  bool Find(const std::vector<std::string>& names, absl::Time now,
            std::vector<Found>& titles) const;

 private:
  struct Known {
    type::v1::Title title;
    absl::Time time;
  };

  const Options options_;
  mutable base::Mutex mutex_;
  absl::flat_hash_map<std::string, Known> by_name_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::gateway
