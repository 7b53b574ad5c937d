#pragma once

#include "platform/telemetry/metrics.h"

namespace quartermaster::telemetry {

// Adds what the operating system knows of this process, read anew for each `Render`: memory in use
// (`process_resident_bytes`), CPU time used so far (`process_cpu_seconds`), files and sockets open
// (`process_open_files_count`). Call it once.
void AddProcessMetrics(Metrics& metrics);

}  // namespace quartermaster::telemetry
