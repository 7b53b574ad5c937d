#include "tests/load/lanes_bench.h"

#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/base/status_macros.h"
#include "tests/harness/stack.h"
#include "tests/load/probes.h"
#include "tests/load/world.h"

namespace quartermaster::load {
namespace {

constexpr int kWorkerCounts[] = {8, 16, 32, 64};
constexpr int kCallerCounts[] = {8, 64, 256};

// A server under test and the way to it.
struct Subject {
  std::string name;
  Target target;
};

class LanesBench {
 public:
  explicit LanesBench(int repetition_count) : repetition_count_(repetition_count) {}

  absl::Status Run() {
    QM_ASSIGN_OR_RETURN(stack_, testing::Stack::Start({.has_gateway = false,
                                                       .database_flags = DatabaseFlags(),
                                                       .systems_json = SystemsJson()}));
    QM_RETURN_IF_ERROR(MakeWorld(stack_->ConnectToInventory("province-demo"), WorldSize()));
    QM_RETURN_IF_ERROR(StartSubjects());
    // Each knows every balance before it is measured.
    for (const Subject& subject : subjects_) {
      RunPostings(subject.target, SpreadPostings(WorldSize()),
                  {.caller_count = 64, .duration = absl::Seconds(3)});
    }
    for (int i = 0; i < repetition_count_; ++i) {
      for (const int callers : kCallerCounts) {
        for (const bool is_hot : {false, true}) RunOnce(i, callers, is_hot);
      }
    }
    std::cout << "| PostMovement, callers | postings/s | p50 ms | p99 ms | errors "
                 "|\n|---|---|---|---|---|\n";
    for (const auto& [key, probe] : probes_) {
      const std::string error = PrintProbe(probe);
      if (!error.empty()) return absl::InternalError(error);
    }
    std::cout << "\n| ratio | median | worst quarter | goal | |\n|---|---|---|---|---|\n";
    for (const int callers : kCallerCounts) {
      for (const bool is_hot : {false, true}) PrintGoals(callers, is_hot);
    }
    return absl::OkStatus();
  }

 private:
  static constexpr char kLanes[] = "lanes";

  absl::Status StartSubjects() {
    QM_RETURN_IF_ERROR(Start(kLanes, {}));
    for (const int workers : kWorkerCounts) {
      QM_RETURN_IF_ERROR(Start(absl::StrCat("one per call, ", workers, " workers"),
                               {{"QM_INVENTORY_POSTING_LANES", "0"},
                                {"QM_INVENTORY_POSTING_THREADS", absl::StrCat(workers)}}));
    }
    return absl::OkStatus();
  }

  absl::Status Start(const std::string& name, const std::map<std::string, std::string>& settings) {
    QM_ASSIGN_OR_RETURN(replicas_.emplace_back(),
                        stack_->StartReplica(absl::StrCat("replica-", replicas_.size()), settings));
    subjects_.push_back({.name = name, .target = InventoryAt(*stack_, replicas_.back()->address)});
    return absl::OkStatus();
  }

  static std::string KeyOf(const std::string& subject, int callers, bool is_hot) {
    return absl::StrCat(is_hot ? "hot" : "spread", ", ", callers, " callers, ", subject);
  }

  void RunOnce(int repetition, int callers, bool is_hot) {
    for (const Subject& subject : subjects_) {
      const std::string key = KeyOf(subject.name, callers, is_hot);
      std::cerr << "repetition " << repetition + 1 << " of " << repetition_count_ << ": " << key
                << "\n";
      Probe& probe = probes_[key];
      probe.name = key;
      probe.results.push_back(RunPostings(subject.target,
                                          is_hot ? HotPostings() : SpreadPostings(WorldSize()),
                                          {.caller_count = callers}));
    }
  }

  // Against the number of workers that does best.
  void PrintGoals(int callers, bool is_hot) {
    const Probe* best = nullptr;
    for (const Subject& subject : subjects_) {
      const Probe& probe = probes_[KeyOf(subject.name, callers, is_hot)];
      if (subject.name == kLanes) continue;
      if (best == nullptr || Median(probe, PerSecond) > Median(*best, PerSecond)) best = &probe;
    }
    const Probe& lanes = probes_[KeyOf(kLanes, callers, is_hot)];
    const double goal = callers < 64 ? 1.0 : is_hot ? 4.0 : 2.0;
    const std::string what = absl::StrCat("lanes / ", best->name);
    PrintGoal(absl::StrCat(what, ": postings/s"), RatioOf(lanes, *best), goal);
    if (callers == 64) {
      PrintGoal(absl::StrCat(what, ": p99"), RatioOf(lanes, *best, P99, true), 0.5, true);
    }
  }

  const int repetition_count_;
  std::unique_ptr<testing::Stack> stack_;
  std::vector<std::optional<testing::Stack::Replica>> replicas_;
  std::vector<Subject> subjects_;
  std::map<std::string, Probe> probes_;
};

}  // namespace

absl::Status MeasureLanes(int repetition_count) { return LanesBench(repetition_count).Run(); }

}  // namespace quartermaster::load
