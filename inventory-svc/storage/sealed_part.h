#pragma once

#include <cstdint>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/base/uuid.h"
#include "platform/mysql/connection.h"

namespace quartermaster::inventory {

// A sealed record as the record clock sees it.
struct RecordTime {
  int64_t sequence = 0;
  absl::Time record_time;
  base::Uuid record_id;
};

// What one movement does to one balance.
struct BalanceLine {
  int64_t balance_id = 0;
  int64_t sequence = 0;
  absl::Time occurred_time;
  absl::int128 delta = 0;
};

// What the history takes in with one turn.
struct SealedPart {
  // In the sealed order, without a gap.
  std::vector<RecordTime> records;
  // Of the movements among them, by balance, then sequence.
  std::vector<BalanceLine> lines;
  // Whether there may be more at once.
  bool has_more = false;
};

// Reads what was sealed after `sequence`: `records_max` records at most, and fewer if they have
// more lines than one turn should take.
absl::StatusOr<SealedPart> ReadSealedPart(mysql::Connection& connection, int64_t sequence,
                                          int records_max);

}  // namespace quartermaster::inventory
