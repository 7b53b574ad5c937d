#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "inventory-svc/lanes/posting_queue.h"
#include "inventory-svc/lanes/turn_runner.h"
#include "platform/base/clock.h"
#include "platform/base/mutex.h"
#include "platform/telemetry/metrics.h"

namespace quartermaster::inventory {

// Posts what many callers ask for, many at a time: one transaction carries the postings of whoever
// waits. A lane is one thread, and one connection of the store's; each takes its turn from one
// queue.
//
// What a turn or the end of a call throws is a mistake of ours; it costs the calls concerned, not
// the lane: those of a turn that threw are answered `OUTCOME_UNKNOWN`.
//
// Every call is answered once: when its turn has committed, when it was refused, or when its own
// time is over, whichever comes first. A call whose time ran out while its turn was under way may
// be in the books all the same; its caller learns by repeating it.
//
// Thread-safe. What it is made from must outlive it. When it goes it takes no more calls, and
// finishes those that wait.
class PostingLanes {
 public:
  struct Options {
    // 0: there are none, and each posting has a transaction of its own.
    int lane_count = 1;
    TurnLimits turn;
    // Of all that wait together, lanes aside.
    int queued_postings_max = 2048;
    int queued_lines_max = 50'000;
    // After so long in one turn a lane counts as stalled: this process is not ready then.
    absl::Duration stall_time = absl::Seconds(15);
    // Runs the whole life of a lane's thread; a database driver wants that.
    std::function<void(absl::FunctionRef<void()>)> run_thread = [](absl::FunctionRef<void()> life) {
      life();
    };
  };

  PostingLanes(TurnRunner& runner, const base::Clock& clock, telemetry::Metrics& metrics,
               const Options& options);
  ~PostingLanes();
  PostingLanes(const PostingLanes&) = delete;
  PostingLanes& operator=(const PostingLanes&) = delete;

  // Queues the postings of one call, at least one, all of one caller; `done` is called once, on any
  // thread, and must not block. It may be called before this returns: with RESOURCE_EXHAUSTED
  // `OVERLOADED` and the time after which to try again if too many wait, the same with
  // `CALLER_OVERLOADED` if they do not but more than half of the places are taken and this caller
  // would hold more than a quarter of them, with UNAVAILABLE if the lanes are closing.
  void Post(std::vector<PendingPosting> postings, absl::Time deadline, PostingGroup::Done done);

  // From now on refuses what comes; what waits is finished. Returns when it is.
  void Drain();

  // Tells whether every lane moves: UNAVAILABLE, and which one does not.
  absl::Status CheckMoving() const;

 private:
  struct Lane {
    std::thread thread;
    // Since when it has been at work on its turn, and what that is.
    std::optional<absl::Time> busy_since;
    std::vector<std::shared_ptr<PostingGroup>> groups;
    bool is_stall_told = false;
  };
  struct Series;

  void RunLane(size_t number);
  void RunTurn(const TakenTurn& taken);
  void Watch();
  void WatchOnce();
  absl::Status CheckRoom(const std::vector<PendingPosting>& postings)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Duration TimeUntilEmpty() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Answers a call, whatever its end throws.
  void Answer(PostingGroup& group, PostingGroup::Answers with);
  void TellException(absl::string_view what, const std::string& type);
  bool IsStalled(const Lane& lane, absl::Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  TurnRunner& runner_;
  const base::Clock& clock_;
  const Options options_;
  const std::unique_ptr<Series> series_;
  mutable base::Mutex mutex_;
  base::CondVar has_work_;
  base::CondVar has_ended_;
  PostingQueue queue_ ABSL_GUARDED_BY(mutex_);
  std::vector<Lane> lanes_ ABSL_GUARDED_BY(mutex_);
  // Of the last turns, the newest weighing most.
  absl::Duration mean_turn_time_ ABSL_GUARDED_BY(mutex_) = absl::Milliseconds(5);
  bool is_closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_over_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread watcher_;
};

}  // namespace quartermaster::inventory
