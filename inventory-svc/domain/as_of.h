#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/base/uuid.h"

// Past moments, on the record clock, on the occurred clock, or on both.
namespace quartermaster::inventory {

// What a caller asks for. With neither time set: now, and nothing here applies.
struct AsOf {
  std::optional<absl::Time> record_time;
  std::optional<absl::Time> occurred_time;

  bool is_set() const { return record_time.has_value() || occurred_time.has_value(); }
};

// What that comes to: a prefix of the sealed records, and of those what had happened by a time.
struct Moment {
  // The last record of the prefix; 0 for none.
  int64_t sequence = 0;
  // None: the record clock alone, which counts the whole prefix.
  std::optional<absl::Time> occurred_time;
  // Up to when the record clock can be asked about.
  absl::Time closed_time;
  // No record of the prefix has a greater id.
  base::Uuid record_id_max;
};

// Checks that `as_of` does not lie in the future: the record clock not at all, the occurred clock
// not beyond what may be posted. INVALID_ARGUMENT names the fields.
absl::Status CheckAsOf(const AsOf& as_of, absl::Time now);

// Puts `moment`, which was found anew for a list's next page, back to where the pages before rest:
// at `sequence`, if there were any. INVALID_ARGUMENT names the page token if that is none of the
// moments that could have been found: the token is nobody's.
absl::Status GoBackTo(std::optional<int64_t> sequence, Moment& moment);

// The books of `record_time` are not closed yet: what is sealed next may still belong to them.
absl::Status NotSealedYet(absl::Time record_time, absl::Time closed_time);

}  // namespace quartermaster::inventory
