#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/numeric/int128.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/mysql/connection.h"

namespace quartermaster::inventory {

// Where the history of a balance ends.
struct BalanceTail {
  // After its last line.
  absl::int128 quantity = 0;
  // A line that occurred before is late: a checkpoint of a later day was there already.
  absl::Time checkpoint_time = absl::InfinitePast();
};

// Where all that is written of the history ends. Tails are the same as long as this is.
struct HistoryEnd {
  int64_t sequence = 0;
  // From when on its last record counts: another if a database went back in time and other records
  // have come to the same sequence since.
  absl::Time counts_from;
  // The day that checkpoints were last written for, and the balance they have come to.
  std::string checkpoint_day;
  int64_t checkpoint_balance_id = 0;

  friend bool operator==(const HistoryEnd&, const HistoryEnd&) = default;
};

// The tails that a writer left in its own last turns: to look one up takes the database longer than
// to write the line that follows it. Not thread-safe.
class BalanceTails {
 public:
  // Tails beyond these are forgotten, all together; 3 MiB.
  static constexpr size_t kTailsMax = 50'000;

  // Returns the tails of `balance_ids`, each once: those it keeps, if the history still ends where
  // they were kept, and the others from the database, at `end`. It keeps nothing by itself.
  absl::StatusOr<std::map<int64_t, BalanceTail>> Find(mysql::Connection& connection,
                                                      const std::vector<int64_t>& balance_ids,
                                                      const HistoryEnd& end) const;

  // Keeps what a turn that was committed has left: the tails of the balances it wrote lines of. The
  // history ended at `before` and ends at `end` now.
  void Keep(const std::map<int64_t, BalanceTail>& tails, const HistoryEnd& before,
            const HistoryEnd& end);

 private:
  HistoryEnd end_;
  absl::flat_hash_map<int64_t, BalanceTail> tails_;
};

}  // namespace quartermaster::inventory
