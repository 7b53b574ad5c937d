#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "inventory-svc/domain/ids.h"
#include "platform/base/mutex.h"
#include "platform/mysql/connection.h"

namespace quartermaster::inventory {

// Remembers, for lots, a unit that holds some or has held some, because every posting of goods that
// another unit owns asks. Balance rows are never deleted, so what was read once stays true.
// Thread-safe.
class HeldLots {
 public:
  // Begins anew when it knows that many.
  explicit HeldLots(size_t count_max) : count_max_(count_max) {}

  // Tells whether one of `units` is known to have held `lot`.
  bool Find(LotId lot, const std::vector<UnitId>& units) const;
  void Insert(LotId lot, UnitId unit);

 private:
  const size_t count_max_;
  mutable base::Mutex mutex_;
  size_t count_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<LotId, std::vector<UnitId>> units_ ABSL_GUARDED_BY(mutex_);
};

// Renders the condition that a row of `balances` is of one of `units`, a list of numbers, and was
// ever posted to: a refused posting leaves rows at zero behind, which say nothing.
std::string HeldBy(absl::string_view units);

// Finds one of `units` that holds some of `lot` or has held some.
absl::StatusOr<std::optional<UnitId>> FindHolder(mysql::Connection& connection, LotId lot,
                                                 const std::vector<UnitId>& units);

}  // namespace quartermaster::inventory
