#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"

namespace quartermaster::gateway {

// Remembers since when something has not answered. Thread-safe.
class Availability {
 public:
  void Succeeded() { down_since_micros_.store(0, std::memory_order_relaxed); }

  // Only the first failure after a success counts. Returns since when it has failed.
  absl::Time Failed(absl::Time now) {
    int64_t since = 0;
    const int64_t micros = absl::ToUnixMicros(now);
    if (down_since_micros_.compare_exchange_strong(since, micros)) since = micros;
    return absl::FromUnixMicros(since);
  }

  // Nothing if it answered the last time.
  std::optional<absl::Time> down_since() const {
    const int64_t since = down_since_micros_.load(std::memory_order_relaxed);
    if (since == 0) return std::nullopt;
    return absl::FromUnixMicros(since);
  }

 private:
  std::atomic<int64_t> down_since_micros_ = 0;
};

}  // namespace quartermaster::gateway
