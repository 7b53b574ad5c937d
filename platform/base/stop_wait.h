#pragma once

#include <stop_token>

#include "absl/time/time.h"

namespace quartermaster::base {

// Waits for `time`, or until a stop is asked for.
void WaitUnlessStopped(const std::stop_token& stop, absl::Duration time);

}  // namespace quartermaster::base
