#pragma once

#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "platform/base/mutex.h"

namespace quartermaster::gateway {

// Told once that the client is gone, whether before or after somebody wants to know. Thread-safe.
class GoneSignal {
 public:
  void Watch(std::function<void()> cancel) {
    {
      base::MutexLock lock(&mutex_);
      if (is_over_) return;
      if (!is_gone_) {
        cancel_ = std::move(cancel);
        return;
      }
    }
    cancel();
  }

  void Raise() {
    std::function<void()> cancel;
    {
      base::MutexLock lock(&mutex_);
      is_gone_ = true;
      cancel = std::exchange(cancel_, nullptr);
    }
    if (cancel) cancel();
  }

  // From now on nobody is told, and nothing is kept for telling.
  void Forget() {
    std::function<void()> dropped;  // Destroyed after the lock is released.
    base::MutexLock lock(&mutex_);
    is_over_ = true;
    dropped = std::exchange(cancel_, nullptr);
  }

 private:
  base::Mutex mutex_;
  bool is_gone_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_over_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> cancel_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::gateway
