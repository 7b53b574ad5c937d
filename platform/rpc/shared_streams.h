#pragma once

#include "absl/time/time.h"

namespace quartermaster::rpc {

// For how long a stream that carries the calls of many callers takes them; then another takes its
// place (ADR 0070). A server that renews connections must let them live on for longer than that.
inline constexpr absl::Duration kSharedStreamAgeMax = absl::Seconds(10);

}  // namespace quartermaster::rpc
