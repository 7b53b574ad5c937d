#pragma once

#include "absl/status/status.h"

namespace quartermaster::load {

// Compares posting to a ledger of ten million lines with posting to one of ten thousand, each in a
// database of its own; prints what it found. Takes many minutes and several GiB of disk.
absl::Status MeasureLongLedger(int repetition_count);

}  // namespace quartermaster::load
