#pragma once

#include "absl/status/status.h"
#include "tests/harness/stack.h"

namespace quartermaster::load {

// Compares posting through lanes with one transaction per call at its best number of workers, in
// one run on one database, and prints what it found. The world of world.h must be there.
absl::Status MeasureLanes(testing::Stack& stack, int repetition_count);

}  // namespace quartermaster::load
