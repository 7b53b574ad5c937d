#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "platform/base/mutex.h"

namespace quartermaster::telemetry {

// Tells whether this process should be sent work: when every check says OK and it is not draining.
//
// Thread-safe. What the checks use must outlive it.
class Readiness {
 public:
  // Returns OK or what is the matter, within a second or so: it is asked once a second.
  using Check = std::function<absl::Status()>;

  struct Failure {
    std::string check;
    std::string why;
  };

  // `name` says what is checked, for instance `database`.
  void AddCheck(absl::string_view name, Check check);

  // From now on it is not ready, whatever the checks say. For shutdown.
  void Drain() { is_draining_ = true; }

  // Runs all checks, one after the other; returns those that failed. Empty means ready.
  std::vector<Failure> FindFailures();

 private:
  std::atomic<bool> is_draining_ = false;
  // Held while checks run, so that a slow check is never asked twice at once.
  base::Mutex mutex_;
  std::vector<std::pair<std::string, Check>> checks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::telemetry
