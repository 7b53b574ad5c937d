#pragma once

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace quartermaster::base {

// Tells the time. Comes in through constructors, so that a test can hold it still. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Returns the time of day, in whole microseconds: what the database can keep.
  virtual absl::Time Now() const = 0;
};

// The machine's own clock.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override {
    return absl::FromUnixMicros(absl::GetCurrentTimeNanos() / 1000);
  }
};

}  // namespace quartermaster::base
