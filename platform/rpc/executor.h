#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/base/clock.h"
#include "platform/base/fair_share.h"
#include "platform/base/mutex.h"
#include "platform/rpc/method_table.h"

namespace quartermaster::rpc {

// Runs the bodies of calls: each class of methods has its own threads and its own bounded queue, so
// that a slow report cannot starve a posting. Threads of a class are as many as its database
// connections, so the queue is the only place where a call waits.
//
// Thread-safe. Its destructor lets running tasks end and answers queued ones with UNAVAILABLE.
class Executors {
 public:
  struct ClassOptions {
    int thread_count = 4;
    int queue_max = 64;
  };

  struct Options {
    ClassOptions read = {.thread_count = 8, .queue_max = 128};
    ClassOptions write = {.thread_count = 8, .queue_max = 128};
    ClassOptions posting = {.thread_count = 16, .queue_max = 1024};
    ClassOptions report = {.thread_count = 2, .queue_max = 16};
    // Of the requests waiting in all queues together.
    int64_t queued_bytes_max = 64 * 1024 * 1024;
    // Run on each thread when it starts and before it ends; a database driver wants that.
    std::function<void()> thread_started = [] {};
    std::function<void()> thread_ended = [] {};

    const ClassOptions& OfClass(CallClass call_class) const;
  };

  struct Task {
    // When it is reached before the task's turn comes, the task is not run.
    absl::Time deadline;
    // What the task keeps in memory while it waits.
    int64_t bytes = 0;
    // Whose it is; empty: nobody's, and no share is judged.
    std::string caller = {};
    // Called exactly once unless `Submit` refuses: with OK on a thread of the class, or with the
    // reason why there is no turn for it, on any thread. Must not throw.
    absl::AnyInvocable<void(absl::Status)> run;
  };

  Executors(const Options& options, const base::Clock& clock);
  ~Executors();

  Executors(const Executors&) = delete;
  Executors& operator=(const Executors&) = delete;

  // Queues a task. Refuses with RESOURCE_EXHAUSTED, `OVERLOADED`, and the time after which to try
  // again, when the queue is full even without the tasks that are late already, or when the queued
  // requests take too much memory. Reports are refused first: as soon as another queue, or the
  // memory, is half full. The same with `CALLER_OVERLOADED` when the queue is half full and the
  // caller would have more than a quarter of its places (and more than one). Refuses with
  // UNAVAILABLE after `RefuseWork`.
  absl::Status Submit(CallClass call_class, Task task);

  // From now on refuses tasks, and answers those that wait with UNAVAILABLE. For shutdown.
  void RefuseWork();

  struct Load {
    int64_t queued_count = 0;
    int64_t running_count = 0;
  };
  Load GetLoad(CallClass call_class) const;

 private:
  struct Lane {
    ClassOptions options;
    std::deque<Task> queue;
    // Of the tasks in the queue.
    base::FairShare places{0};
    int64_t running_count = 0;
    // Of the last tasks, the newest weighing most.
    absl::Duration mean_run_time = absl::Milliseconds(5);
    base::CondVar has_work;
  };

  Lane& LaneOf(CallClass call_class) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return lanes_[static_cast<size_t>(call_class)];
  }
  void RunTasks(CallClass call_class);
  absl::Status CheckRoom(CallClass call_class, const Task& task)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Duration RetryAfter(const Lane& lane) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Counts a task in or out of what waits.
  void CountIn(Lane& lane, const Task& task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountOut(Lane& lane, const Task& task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Moves the tasks that are late out of the queue.
  std::vector<Task> TakeLate(Lane& lane) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const base::Clock& clock_;
  mutable base::Mutex mutex_;
  std::array<Lane, kCallClasses.size()> lanes_ ABSL_GUARDED_BY(mutex_);
  int64_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool is_refusing_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace quartermaster::rpc
