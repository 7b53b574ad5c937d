#pragma once

#include "absl/status/status.h"

namespace quartermaster::load {

// Prints what sealing costs postings: how many 64 callers post in a second while records are
// sealed, and while they are taken into the history too, as ever, against that while nobody seals.
// Ratios without a goal. Starts programs of its own.
absl::Status MeasureSealing(int repetition_count);

}  // namespace quartermaster::load
