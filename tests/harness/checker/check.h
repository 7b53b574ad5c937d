#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/mysql/pool.h"
#include "tests/harness/checker/history.h"

namespace quartermaster::testing {

// What became of what clients asked for.
struct CheckReport {
  int64_t acknowledged_count = 0;
  int64_t refused_count = 0;
  int64_t open_count = 0;
  // Of the open ones, those that are in the books.
  int64_t open_booked_count = 0;
  // A sentence for each promise that is broken; nothing if all hold.
  std::vector<std::string> violations;
};

// Compares the clients' own record with the database. Each acknowledged movement or change of a
// document must be in the books exactly once, whole and as it was answered; each refused one not at
// all; each open one once and whole, or not at all; and nothing of these callers that none of them
// asked for.
// The books themselves must hold too (`FindBookViolations`). Rests on the tables alone.
absl::StatusOr<CheckReport> CheckHistory(mysql::Pool& pool, const History& history);

}  // namespace quartermaster::testing
