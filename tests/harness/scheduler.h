#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "platform/base/mutex.h"

namespace quartermaster::testing {

// Unwinds the thread of an actor that crashed or whose schedule was given up. Catch it nowhere: the
// scheduler does, at the foot of the thread.
struct ActorAbandoned {};

// Runs actors, each on a thread of its own, one at a time, and decides at each of their steps who
// goes on: what races in production becomes a list of choices here, and the same list gives the
// same run.
//
//   Scheduler scheduler(choices);
//   scheduler.AddActor({.name = "clerk", .body = [&] { ledger.PostMovement(…); }});
//   scheduler.AddActor({.name = "retry", .body = [&] { ledger.PostMovement(…); }});
//   EXPECT_TRUE(scheduler.Run().ok());
//
// What actors share calls `Step` before each thing that others could see or be seen by. Actors need
// no locks among themselves. Outside `Run` all of that passes at once, so that a test can prepare
// and look with the same objects.
class Scheduler {
 public:
  struct Actor {
    std::string name;
    std::function<void()> body;
    // Whether it may be abandoned at any of its steps, as a process that is killed there.
    bool may_crash = false;
  };

  // One point at which there was more than one way to go on.
  struct Decision {
    int choice = 0;
    int option_count = 1;
  };

  struct Limits {
    // How often an actor that could go on may be made to wait for another.
    int preemption_count_max = std::numeric_limits<int>::max();
    // How many actors may crash in one run.
    int crash_count_max = 1;
    // Steps of all actors in one run; more is taken for a loop without end.
    int step_count_max = 10'000;
  };

  // Takes `choices` at the first decisions, and the first option at each further one.
  explicit Scheduler(std::vector<int> choices, const Limits& limits);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Adds an actor. Before `Run` only.
  void AddActor(Actor actor);

  // Runs all actors to their ends. FAILED_PRECONDITION if those that are left wait for each other,
  // or if there were too many steps; all are abandoned then.
  absl::Status Run();

  // For actors: lets the others go first, or not. Returns when this actor is chosen, which it only
  // is while `is_ready` holds.
  void Step(absl::string_view what, absl::FunctionRef<bool()> is_ready);
  void Step(absl::string_view what);

  // For actors: a place where one that may crash can do so, without letting others go first.
  void CrashPoint(absl::string_view what);

  // For actors: an outcome from 0 to `option_count` - 1 that nobody here controls.
  int Choose(absl::string_view what, int option_count);

  // Every decision of the run, in order.
  const std::vector<Decision>& decisions() const { return decisions_; }
  // The steps as they were taken, one line each, for a failure to be read.
  std::string Story() const;
  // Tells whether any actor crashed.
  bool has_crashed() const { return crash_count_ > 0; }

 private:
  struct Running {
    Actor actor;
    std::thread thread;
    base::CondVar turn;
    std::string what = "start";
    absl::FunctionRef<bool()>* is_ready = nullptr;
    bool is_done = false;
    bool crashes = false;
  };

  int Decide(int option_count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PassOn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveUp(absl::string_view why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AwaitTurn(Running& self) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunActor(Running& self);
  Running& Self() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::vector<int> choices_;
  const Limits limits_;
  std::vector<std::unique_ptr<Running>> actors_;
  std::vector<Decision> decisions_;
  std::vector<std::string> story_;
  int crash_count_ = 0;

  base::Mutex mutex_;
  base::CondVar all_done_;
  // Whose turn it is; -1 before the first and after the last.
  int current_ ABSL_GUARDED_BY(mutex_) = -1;
  int preemption_count_ ABSL_GUARDED_BY(mutex_) = 0;
  int step_count_ ABSL_GUARDED_BY(mutex_) = 0;
  bool is_given_up_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status outcome_ ABSL_GUARDED_BY(mutex_);
};

struct ExploreOptions {
  Scheduler::Limits limits = {};
  // After so many schedules the search ends, incomplete.
  int64_t schedule_count_max = 200'000;
};

struct Exploration {
  int64_t schedule_count = 0;
  // Whether these were all there are within the limits.
  bool is_complete = false;
};

// Runs `run_one`, which adds actors, runs them and checks the outcome with gtest, once for every
// schedule there is, depth first. Stops at the first that fails and prints its steps and its list
// of choices; QM_SCHEDULE=<list> in the environment runs that one alone.
Exploration ExploreSchedules(const ExploreOptions& options,
                             absl::FunctionRef<void(Scheduler&)> run_one);

}  // namespace quartermaster::testing
