#pragma once

#include "absl/status/status.h"

namespace quartermaster::load {

// Compares the ways to `Ledger.PostMovement`: straight to the service, through the gateway by gRPC
// and by JSON, and through nginx; also how soon and how small the programs are. Prints what it
// found. Starts programs of its own.
absl::Status MeasurePaths(int repetition_count);

}  // namespace quartermaster::load
