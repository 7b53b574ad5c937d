#pragma once

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/cleanup/cleanup.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "platform/base/mutex.h"

namespace quartermaster::base {

// Lets many threads that want the same thing loaded share one load: one of them runs it, the others
// wait for its outcome, each until its own deadline. Loads never overlap.
//
// The outcome, an error too, is the answer of all who waited for it, so that a source that fails is
// not asked once for each of them. Only one that failed when its own caller had no time left is
// tried again, by one of those who have.
//
// Thread-safe. Must outlive the calls.
class SingleFlight {
 public:
  using Load = absl::FunctionRef<absl::Status()>;

  // `too_late` is what those are answered whose deadline comes while another's load is under way.
  explicit SingleFlight(absl::Status too_late) : too_late_(std::move(too_late)) {}

  // Waits for the load that is under way, or runs `load` if there is none.
  absl::Status JoinOrFly(absl::Time deadline, Load load) {
    MutexLock lock(&mutex_);
    while (present_ != nullptr) {
      const std::shared_ptr<Flight> joined = present_;
      if (!changed_.AwaitWithDeadline(&mutex_, deadline, [&] { return joined->has_landed; })) {
        return too_late_;
      }
      if (!joined->lacked_time) return joined->outcome;
    }
    // Not the one that others may wait for in `Fly`: what they want loaded may be more.
    return Lead(std::make_shared<Flight>(), deadline, load);
  }

  // The same with a load that begins after this call, so that it sees what was written before. All
  // who come during one load share the next.
  absl::Status Fly(absl::Time deadline, Load load) {
    MutexLock lock(&mutex_);
    while (present_ != nullptr) {
      if (next_ == nullptr) next_ = std::make_shared<Flight>();
      const std::shared_ptr<Flight> mine = next_;
      const auto may_go_on = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return mine->has_landed || (present_ == nullptr && next_ == mine);
      };
      if (!changed_.AwaitWithDeadline(&mutex_, deadline, may_go_on)) return too_late_;
      if (mine->has_landed && !mine->lacked_time) return mine->outcome;
    }
    const auto flight = next_ != nullptr ? std::move(next_) : std::make_shared<Flight>();
    next_ = nullptr;
    return Lead(flight, deadline, load);
  }

 private:
  // One load; the mutex guards it.
  struct Flight {
    bool has_landed = false;
    bool lacked_time = false;
    absl::Status outcome = absl::InternalError("a load threw");
  };

  // Runs the load of `flight`.
  absl::Status Lead(const std::shared_ptr<Flight>& flight, absl::Time deadline, Load load)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    present_ = flight;
    absl::Status outcome = flight->outcome;
    {
      mutex_.Unlock();
      const auto land = absl::MakeCleanup([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        mutex_.Lock();
        flight->lacked_time = !outcome.ok() && absl::Now() >= deadline;
        flight->outcome = outcome;
        flight->has_landed = true;
        present_ = nullptr;
        changed_.SignalAll();
      });
      outcome = load();
    }
    return outcome;
  }

  const absl::Status too_late_;
  Mutex mutex_;
  CondVar changed_;
  std::shared_ptr<Flight> present_ ABSL_GUARDED_BY(mutex_);
  // What those wait for who came too late for the present one.
  std::shared_ptr<Flight> next_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::base
