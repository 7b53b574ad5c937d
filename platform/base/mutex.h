#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace quartermaster::base {

// A lock for what several threads share, annotated for clang's thread-safety analysis.
//
// Used in place of absl::Mutex, for the sake of ThreadSanitizer. Debian's Abseil is a library built
// without the sanitizer, so that its lock is invisible to it, and everything that such a lock
// guards is reported as a race. This one is made of the standard library's, which the sanitizer
// knows. It has no `Await` that watches a condition by itself either: who changes what others wait
// for says so with a `CondVar`.
//
// Thread-safe. Not reentrant.
class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds a mutex as long as it lives. Not thread-safe: it belongs to the thread that made it.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_->Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_->Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* const mutex_;
};

// Where threads wait until something that a mutex guards has changed.
//
//   base::MutexLock lock(&mutex_);
//   const bool came = changed_.AwaitWithTimeout(&mutex_, patience, [&] { return count_ > 0; });
//
// Every change of what is waited for is followed by `Signal` or `SignalAll`, best while the mutex
// is still held: the waiter may destroy both as soon as it has seen the change.
//
// A wait is measured on the steady clock: a step of the wall clock neither ends nor prolongs it.
//
// Thread-safe. All who wait at one time use the same mutex, which they hold.
class CondVar {
 public:
  CondVar() = default;
  CondVar(const CondVar&) = delete;
  CondVar& operator=(const CondVar&) = delete;

  // Lets go of the mutex, waits for a signal and takes the mutex again. Returns without any signal
  // too, so call it in a loop, or call `Await`.
  void Wait(Mutex* mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock<std::mutex> lock(mutex->mutex_, std::adopt_lock);
    changed_.wait(lock);
    lock.release();
  }

  // As `Wait`, for `timeout` at most. Returns true if that has passed.
  bool WaitWithTimeout(Mutex* mutex, absl::Duration timeout) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return WaitUntil(mutex, SteadyTimeAfter(timeout));
  }
  bool WaitWithDeadline(Mutex* mutex, absl::Time deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return WaitWithTimeout(mutex, deadline - absl::Now());
  }

  // Waits until `holds`, which is called with the mutex held only.
  template <typename Condition>
  void Await(Mutex* mutex, Condition holds)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    while (!holds()) Wait(mutex);
  }
  // As `Await`, for `timeout` at most. Returns whether the condition holds.
  template <typename Condition>
  bool AwaitWithTimeout(Mutex* mutex, absl::Duration timeout, Condition holds)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const SteadyTime end = SteadyTimeAfter(timeout);
    while (!holds()) {
      if (WaitUntil(mutex, end)) return holds();
    }
    return true;
  }
  template <typename Condition>
  bool AwaitWithDeadline(Mutex* mutex, absl::Time deadline, Condition holds)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return AwaitWithTimeout(mutex, deadline - absl::Now(), holds);
  }

  // Wakes one that waits, or all; nobody, if none does.
  void Signal() { changed_.notify_one(); }
  void SignalAll() { changed_.notify_all(); }

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // Ten years at most: the clock's numbers have an end, and an infinite wait none.
  static SteadyTime SteadyTimeAfter(absl::Duration timeout) {
    constexpr absl::Duration kLongest = absl::Hours(24 * 365 * 10);
    return std::chrono::steady_clock::now() +
           absl::ToChronoNanoseconds(std::clamp(timeout, absl::ZeroDuration(), kLongest));
  }

  bool WaitUntil(Mutex* mutex, SteadyTime end) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock<std::mutex> lock(mutex->mutex_, std::adopt_lock);
    const std::cv_status status = changed_.wait_until(lock, end);
    lock.release();
    return status == std::cv_status::timeout;
  }

  std::condition_variable changed_;
};

// Something that happens once, and is waited for. Thread-safe.
class Notification {
 public:
  void Notify() {
    MutexLock lock(&mutex_);
    has_happened_ = true;
    happened_.SignalAll();
  }

  bool HasBeenNotified() const {
    MutexLock lock(&mutex_);
    return has_happened_;
  }

  void WaitForNotification() const {
    MutexLock lock(&mutex_);
    while (!has_happened_) happened_.Wait(&mutex_);
  }

  // Returns whether it happened in time.
  bool WaitForNotificationWithTimeout(absl::Duration timeout) const {
    MutexLock lock(&mutex_);
    return happened_.AwaitWithTimeout(
        &mutex_, timeout, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return has_happened_; });
  }

 private:
  mutable Mutex mutex_;
  mutable CondVar happened_;
  bool has_happened_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace quartermaster::base
