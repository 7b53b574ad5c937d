#pragma once

#include "absl/status/status.h"

namespace quartermaster::load {

// Compares `Overview.GetSituation` of 40 units and 200 items, after 100,000 movements, with its
// slowest part called directly, `Ledger.SummarizeStock`; prints what it found. Starts programs of
// its own.
absl::Status MeasureSituation(int repetition_count);

}  // namespace quartermaster::load
