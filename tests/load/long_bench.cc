#include "tests/load/long_bench.h"

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "platform/base/status_macros.h"
#include "tests/harness/stack.h"
#include "tests/load/backlog.h"
#include "tests/load/callers.h"
#include "tests/load/probes.h"
#include "tests/load/world.h"

namespace quartermaster::load {
namespace {

constexpr int kLinesPerMovement = 400;
constexpr absl::Duration kBacklogTimeMax = absl::Minutes(30);

// A ledger and the way to it.
struct Subject {
  std::unique_ptr<testing::Stack> stack;
  Target target;
};

absl::StatusOr<Subject> MakeLedger(int64_t line_count) {
  Subject subject;
  QM_ASSIGN_OR_RETURN(subject.stack, testing::Stack::Start({.has_gateway = false,
                                                            .database_flags = DatabaseFlags(),
                                                            .systems_json = SystemsJson()}));
  subject.target = InventoryAt(*subject.stack, subject.stack->inventory_address());
  const auto inventory = subject.stack->ConnectToInventory("province-demo");
  QM_RETURN_IF_ERROR(MakeWorld(inventory, WorldSize()));
  QM_RETURN_IF_ERROR(PostHistory(inventory, line_count / kLinesPerMovement,
                                 SpreadPostings(WorldSize(), kLinesPerMovement)));
  // What is left to do of the filling would be measured as well.
  QM_ASSIGN_OR_RETURN(Backlog backlog, Backlog::Of(subject.stack->database()));
  QM_RETURN_IF_ERROR(backlog.AwaitNone(kBacklogTimeMax));
  QM_RETURN_IF_ERROR(backlog.AwaitPurged(kBacklogTimeMax));
  return subject;
}

}  // namespace

absl::Status MeasureLongLedger(int repetition_count) {
  QM_ASSIGN_OR_RETURN(const Subject large, MakeLedger(10'000'000));
  QM_ASSIGN_OR_RETURN(const Subject small, MakeLedger(10'000));
  std::cout << "| PostMovement, callers | postings/s | p50 ms | p99 ms | errors "
               "|\n|---|---|---|---|---|\n";
  std::vector<std::pair<std::string, Ratio>> ratios;
  for (const int callers : {8, 64}) {
    for (const bool is_hot : {false, true}) {
      const std::string key = absl::StrCat(is_hot ? "hot" : "spread", ", ", callers, " callers");
      Probe at_large = {.name = absl::StrCat(key, ", 10,000,000 lines")};
      Probe at_small = {.name = absl::StrCat(key, ", 10,000 lines")};
      const auto run = [&](const Subject& subject) {
        return RunPostings(subject.target, is_hot ? HotPostings() : SpreadPostings(WorldSize()),
                           {.caller_count = callers});
      };
      for (int i = 0; i < repetition_count; ++i) {
        at_large.results.push_back(run(large));
        at_small.results.push_back(run(small));
      }
      for (const Probe* probe : {&at_large, &at_small}) {
        const std::string error = PrintProbe(*probe);
        if (!error.empty()) return absl::InternalError(error);
      }
      ratios.emplace_back(key, RatioOf(at_large, at_small));
    }
  }
  std::cout << "\n| ratio | median | worst quarter | goal | |\n|---|---|---|---|---|\n";
  for (const auto& [key, ratio] : ratios) {
    PrintGoal(absl::StrCat(key, ", 10,000,000 lines / 10,000 lines: postings/s"), ratio, 0.9);
  }
  return absl::OkStatus();
}

}  // namespace quartermaster::load
