#pragma once

#include "absl/status/status.h"

namespace quartermaster::load {

// Compares posting through lanes with one transaction per call at its best number of workers, in
// one run on one database, and prints what it found. Starts programs of its own.
absl::Status MeasureLanes(int repetition_count);

}  // namespace quartermaster::load
