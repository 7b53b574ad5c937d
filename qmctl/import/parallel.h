#pragma once

#include <cstddef>

#include "absl/functional/function_ref.h"

namespace quartermaster::qmctl {

// Calls `work(0)` to `work(count - 1)`, at most `in_flight` of them at a time, and returns when all
// have returned. Once one returns false, none is begun any more. `work` must be thread-safe.
void RunParallel(size_t count, int in_flight, absl::FunctionRef<bool(size_t)> work);

}  // namespace quartermaster::qmctl
