#include "tests/load/sealing_bench.h"

#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "platform/base/status_macros.h"
#include "tests/harness/stack.h"
#include "tests/load/backlog.h"
#include "tests/load/callers.h"
#include "tests/load/cpu_times.h"
#include "tests/load/probes.h"
#include "tests/load/world.h"

namespace quartermaster::load {
namespace {

// Long enough for many blocks to be sealed beside it.
constexpr absl::Duration kDuration = absl::Seconds(2);

// One way to post, and what a posting costs with all that follows from it.
struct Way {
  Probe probe;
  std::vector<double> cpu_micros = {};
};

class SealingBench {
 public:
  explicit SealingBench(int repetition_count) : repetition_count_(repetition_count) {}

  absl::Status Run() {
    QM_ASSIGN_OR_RETURN(stack_, testing::Stack::Start({.has_gateway = false,
                                                       .database_flags = DatabaseFlags(),
                                                       .systems_json = SystemsJson()}));
    QM_RETURN_IF_ERROR(MakeWorld(stack_->ConnectToInventory("province-demo"), WorldSize()));
    QM_ASSIGN_OR_RETURN(Backlog backlog, Backlog::Of(stack_->database()));
    // It knows every balance before it is measured.
    Post();
    for (int i = 0; i < repetition_count_; ++i) {
      std::cerr << "repetition " << i + 1 << " of " << repetition_count_ << ": sealing\n";
      QM_RETURN_IF_ERROR(RunOnce(backlog));
    }
    return Print();
  }

 private:
  // In turn, each beginning with nothing left to do: what one leaves is not the next one's burden.
  absl::Status RunOnce(Backlog& backlog) {
    QM_RETURN_IF_ERROR(backlog.AwaitNone());
    QM_RETURN_IF_ERROR(Measure(as_ever_, [&]() -> absl::Status {
      QM_ASSIGN_OR_RETURN(const int64_t unsealed, backlog.CountUnsealed());
      unsealed_counts_.push_back(static_cast<double>(unsealed));
      return backlog.AwaitNone();
    }));
    QM_RETURN_IF_ERROR(backlog.HoldHistoryWhile(
        [&] { return Measure(sealed_, [&] { return backlog.AwaitAllSealed(); }); }));
    QM_RETURN_IF_ERROR(backlog.AwaitNone());
    QM_RETURN_IF_ERROR(backlog.HoldSealing());
    QM_RETURN_IF_ERROR(Measure(not_sealed_, [&]() -> absl::Status {
      QM_ASSIGN_OR_RETURN(const int64_t unsealed, backlog.CountUnsealed());
      return unsealed > 0 ? absl::OkStatus() : absl::InternalError("somebody sealed");
    }));
    return backlog.ReleaseSealing();
  }

  // `finish` waits for what postings leave to be done: it costs, though nobody waits for it.
  absl::Status Measure(Way& way, absl::FunctionRef<absl::Status()> finish) const {
    const double start = CpuSeconds();
    const RunResult result = Post();
    QM_RETURN_IF_ERROR(finish());
    if (result.ok_count > 0) {
      way.cpu_micros.push_back((CpuSeconds() - start) * 1e6 / static_cast<double>(result.ok_count));
    }
    way.probe.results.push_back(result);
    return absl::OkStatus();
  }

  RunResult Post() const {
    return RunPostings(
        InventoryAt(*stack_, stack_->inventory_address()), SpreadPostings(WorldSize()),
        {.caller_count = 64, .warm_up = absl::ZeroDuration(), .duration = kDuration});
  }

  // Of the service and its database.
  static double CpuSeconds() {
    std::map<std::string, double> seconds = ReadCpuSeconds();
    return seconds["inventory-svc"] + seconds["mariadbd"];
  }

  absl::Status Print() const {
    std::cout << "| PostMovement, spread, 64 callers | postings/s | p50 ms | p99 ms | errors "
                 "|\n|---|---|---|---|---|\n";
    for (const Way* way : {&as_ever_, &sealed_, &not_sealed_}) {
      const std::string error = PrintProbe(way->probe);
      if (!error.empty()) return absl::InternalError(error);
      if (way->cpu_micros.empty()) return absl::InternalError("nothing was posted");
    }
    std::cout << "\n| ratio | median | worst quarter | goal | |\n|---|---|---|---|---|\n";
    for (const Way* way : {&as_ever_, &sealed_}) {
      PrintRatio(absl::StrCat(way->probe.name, " / ", not_sealed_.probe.name, ": postings/s"),
                 RatioOf(way->probe, not_sealed_.probe));
    }
    std::cout << "\n| CPU of service and database | us a posting | more than when nobody seals |\n"
                 "|---|---|---|\n";
    const double bare = Quantile(not_sealed_.cpu_micros, 0.5);
    for (const Way* way : {&as_ever_, &sealed_, &not_sealed_}) {
      const double micros = Quantile(way->cpu_micros, 0.5);
      absl::PrintF("| %s | %.0f | %.0f |\n", way->probe.name, micros, micros - bare);
    }
    absl::PrintF("\nNot yet sealed when the callers stop: %.0f records (median).\n",
                 Quantile(unsealed_counts_, 0.5));
    return absl::OkStatus();
  }

  const int repetition_count_;
  std::unique_ptr<testing::Stack> stack_;
  Way as_ever_ = {.probe = {.name = "sealed and in the history"}};
  Way sealed_ = {.probe = {.name = "sealed alone"}};
  Way not_sealed_ = {.probe = {.name = "nobody seals"}};
  std::vector<double> unsealed_counts_;
};

}  // namespace

absl::Status MeasureSealing(int repetition_count) { return SealingBench(repetition_count).Run(); }

}  // namespace quartermaster::load
