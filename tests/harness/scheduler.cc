#include "tests/harness/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "platform/base/check.h"

namespace quartermaster::testing {

Scheduler::Scheduler(std::vector<int> choices, const Limits& limits)
    : choices_(std::move(choices)), limits_(limits) {}

Scheduler::~Scheduler() = default;

void Scheduler::AddActor(Actor actor) {
  const auto namesakes = std::ranges::count_if(actors_, [&](const auto& running) {
    return absl::StartsWith(running->actor.name, actor.name);
  });
  if (namesakes > 0) absl::StrAppend(&actor.name, " (", namesakes + 1, ")");
  actors_.push_back(std::make_unique<Running>());
  actors_.back()->actor = std::move(actor);
}

absl::Status Scheduler::Run() {
  {
    base::MutexLock lock(&mutex_);
    for (const auto& running : actors_) {
      running->thread = std::thread([this, self = running.get()] { RunActor(*self); });
    }
    PassOn();
    while (current_ != -1) all_done_.Wait(&mutex_);
  }
  for (const auto& running : actors_) running->thread.join();
  base::MutexLock lock(&mutex_);
  return outcome_;
}

void Scheduler::RunActor(Running& self) {
  try {
    {
      base::MutexLock lock(&mutex_);
      AwaitTurn(self);
    }
    self.actor.body();
  } catch (const ActorAbandoned&) {
    // What it held was let go on the way here.
  }
  base::MutexLock lock(&mutex_);
  self.is_done = true;
  PassOn();
}

void Scheduler::Step(absl::string_view what) {
  Step(what, [] { return true; });
}

void Scheduler::Step(absl::string_view what, absl::FunctionRef<bool()> is_ready) {
  base::MutexLock lock(&mutex_);
  if (current_ < 0) return;
  Running& self = Self();
  self.what = std::string(what);
  self.is_ready = &is_ready;
  PassOn();
  AwaitTurn(self);
  self.is_ready = nullptr;
}

void Scheduler::CrashPoint(absl::string_view what) {
  base::MutexLock lock(&mutex_);
  if (current_ < 0) return;
  Running& self = Self();
  if (!self.actor.may_crash || crash_count_ >= limits_.crash_count_max) return;
  if (Decide(2) == 0) return;
  ++crash_count_;
  story_.push_back(absl::StrCat(self.actor.name, ": crashes ", what));
  throw ActorAbandoned();
}

int Scheduler::Choose(absl::string_view what, int option_count) {
  base::MutexLock lock(&mutex_);
  if (current_ < 0) return 0;
  const int choice = Decide(option_count);
  story_.push_back(absl::StrCat(Self().actor.name, ": ", what, " = ", choice));
  return choice;
}

std::string Scheduler::Story() const { return absl::StrJoin(story_, "\n"); }

Scheduler::Running& Scheduler::Self() {
  QM_CHECK(current_ >= 0);
  return *actors_[static_cast<size_t>(current_)];
}

int Scheduler::Decide(int option_count) {
  if (option_count == 1) return 0;
  const size_t at = decisions_.size();
  const int choice = at < choices_.size() ? choices_[at] : 0;
  QM_CHECK(choice < option_count);
  decisions_.push_back({choice, option_count});
  return choice;
}

// Gives the turn to one of those that can go on. The present one comes first among them, so that
// the first option at every decision is the run without any preemption.
void Scheduler::PassOn() {
  if (is_given_up_) {
    // Each in its turn finds that it is over, and passes on.
    for (size_t i = 0; i < actors_.size(); ++i) {
      if (actors_[i]->is_done) continue;
      current_ = static_cast<int>(i);
      actors_[i]->turn.Signal();
      return;
    }
    current_ = -1;
    all_done_.Signal();
    return;
  }
  struct Option {
    int actor;
    bool crashes;
  };
  std::vector<Option> options;
  bool has_current = false;
  bool is_anyone_left = false;
  const auto add = [&](int index) {
    Running& running = *actors_[static_cast<size_t>(index)];
    if (running.is_done) return;
    is_anyone_left = true;
    if (running.is_ready != nullptr && !(*running.is_ready)()) return;
    options.push_back({index, false});
    if (running.actor.may_crash && running.is_ready != nullptr &&
        crash_count_ < limits_.crash_count_max) {
      options.push_back({index, true});
    }
  };
  const int present = current_;
  if (present >= 0) {
    add(present);
    has_current = !options.empty();
  }
  if (!has_current || preemption_count_ < limits_.preemption_count_max) {
    for (size_t i = 0; i < actors_.size(); ++i) {
      if (static_cast<int>(i) != present) add(static_cast<int>(i));
    }
  }
  if (options.empty()) {
    if (is_anyone_left) {
      GiveUp("the actors that are left wait for each other");
    } else {
      current_ = -1;
      all_done_.Signal();
    }
    return;
  }
  if (++step_count_ > limits_.step_count_max) {
    GiveUp("there were too many steps");
    return;
  }
  const Option chosen = options[static_cast<size_t>(Decide(static_cast<int>(options.size())))];
  if (has_current && chosen.actor != present) ++preemption_count_;
  current_ = chosen.actor;
  Running& next = *actors_[static_cast<size_t>(chosen.actor)];
  next.crashes = chosen.crashes;
  if (chosen.crashes) ++crash_count_;
  story_.push_back(
      absl::StrCat(next.actor.name, chosen.crashes ? ": crashes before " : ": ", next.what));
  next.turn.Signal();
}

void Scheduler::GiveUp(absl::string_view why) {
  std::string message(why);
  for (const auto& running : actors_) {
    if (!running->is_done)
      absl::StrAppend(&message, "; ", running->actor.name, " at: ", running->what);
  }
  outcome_ = absl::FailedPreconditionError(message);
  is_given_up_ = true;
  PassOn();
}

void Scheduler::AwaitTurn(Running& self) {
  while (current_ < 0 || actors_[static_cast<size_t>(current_)].get() != &self) {
    self.turn.Wait(&mutex_);
  }
  if (is_given_up_ || self.crashes) throw ActorAbandoned();
}

namespace {

std::string ToText(const std::vector<Scheduler::Decision>& decisions) {
  return absl::StrJoin(decisions, ",", [](std::string* out, const Scheduler::Decision& decision) {
    absl::StrAppend(out, decision.choice);
  });
}

std::vector<int> ParseChoices(absl::string_view text) {
  std::vector<int> choices;
  for (const absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    int choice = 0;
    QM_CHECK(absl::SimpleAtoi(part, &choice));
    choices.push_back(choice);
  }
  return choices;
}

// Turns the choices of one schedule into those of the next, depth first. False after the last.
bool Advance(const std::vector<Scheduler::Decision>& decisions, std::vector<int>& choices) {
  choices.clear();
  for (const Scheduler::Decision& decision : decisions) choices.push_back(decision.choice);
  for (size_t i = decisions.size(); i-- > 0;) {
    if (decisions[i].choice + 1 < decisions[i].option_count) {
      choices.resize(i + 1);
      ++choices[i];
      return true;
    }
  }
  return false;
}

}  // namespace

Exploration ExploreSchedules(const ExploreOptions& options,
                             absl::FunctionRef<void(Scheduler&)> run_one) {
  const char* replayed = std::getenv("QM_SCHEDULE");
  std::vector<int> choices;
  if (replayed != nullptr) choices = ParseChoices(replayed);
  Exploration exploration;
  while (exploration.schedule_count < options.schedule_count_max) {
    Scheduler scheduler(choices, options.limits);
    run_one(scheduler);
    ++exploration.schedule_count;
    if (::testing::Test::HasFailure() || replayed != nullptr) {
      std::cout << "steps:\n"
                << scheduler.Story() << "\nschedule " << exploration.schedule_count
                << ", to run it alone: QM_SCHEDULE=" << ToText(scheduler.decisions()) << "\n";
      return exploration;
    }
    if (!Advance(scheduler.decisions(), choices)) {
      exploration.is_complete = true;
      break;
    }
  }
  std::cout << exploration.schedule_count << " schedules"
            << (exploration.is_complete ? ", which is all\n" : ", and there are more\n");
  return exploration;
}

}  // namespace quartermaster::testing
