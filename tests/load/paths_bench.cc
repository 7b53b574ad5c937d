#include "tests/load/paths_bench.h"

#include <atomic>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"
#include "tests/harness/stack.h"
#include "tests/load/callers.h"
#include "tests/load/cpu_times.h"
#include "tests/load/nginx.h"
#include "tests/load/probes.h"
#include "tests/load/world.h"

namespace quartermaster::load {
namespace {

constexpr int kCallerCounts[] = {1, 8, 64, 256};

// Reads a value of /proc/<pid>/status, in KiB.
int64_t MemoryKib(pid_t pid, const std::string& key) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(status, line);) {
    int64_t value = 0;
    if (line.rfind(key, 0) == 0 && std::sscanf(line.c_str() + key.size(), ": %ld", &value) == 1) {
      return value;
    }
  }
  return 0;
}

class PathsBench {
 public:
  explicit PathsBench(int repetition_count) : repetition_count_(repetition_count) {}

  absl::Status Run() {
    QM_ASSIGN_OR_RETURN(stack_, testing::Stack::Start({.database_flags = DatabaseFlags(),
                                                       .systems_json = SystemsJson()}));
    const int64_t idle_inventory = MemoryKib(stack_->inventory().pid(), "VmRSS");
    const int64_t idle_gateway = MemoryKib(stack_->gateway().pid(), "VmRSS");
    QM_RETURN_IF_ERROR(MakeWorld(stack_->ConnectToInventory("province-demo"), WorldSize()));
    QM_ASSIGN_OR_RETURN(nginx_, Nginx::Start(stack_->directory(), stack_->inventory_address()));
    QM_ASSIGN_OR_RETURN(const std::string token, stack_->MakeToken("bench", PersonGrants()));
    bearer_ = "Bearer " + token;
    QM_RETURN_IF_ERROR(MeasurePaths());
    PrintStart(idle_inventory, idle_gateway);
    return absl::OkStatus();
  }

 private:
  // A way to the service.
  struct Way {
    std::string name;
    std::function<RunResult(const MakeRequest& requests, int caller_count)> post;
  };

  std::vector<Way> Ways() {
    const std::vector<std::pair<std::string, std::string>> token = {{"authorization", bearer_}};
    const auto by_grpc = [](const Target& target, const auto& metadata) {
      return [=](const MakeRequest& requests, int caller_count) {
        return RunPostings(target, requests, {.caller_count = caller_count, .metadata = metadata});
      };
    };
    const auto no_token = decltype(token)();
    return {{"direct", by_grpc(InventoryAt(*stack_, stack_->inventory_address()), no_token)},
            {"nginx", by_grpc({.address = nginx_->address()}, no_token)},
            {"gateway", by_grpc({.address = stack_->gateway_address()}, token)},
            {"JSON", [=, this](const MakeRequest& requests, int caller_count) {
               return RunJsonPostings(stack_->gateway_http_address(), requests,
                                      {.caller_count = caller_count, .metadata = token});
             }}};
  }

  static std::string KeyOf(const std::string& way, int callers, bool is_hot) {
    return absl::StrCat(is_hot ? "hot" : "spread", ", ", callers, " callers, ", way);
  }

  // Fails if a call did: figures of refusals mean nothing.
  absl::Status MeasurePaths() {
    for (int i = 0; i < repetition_count_; ++i) {
      for (const int callers : kCallerCounts) {
        for (const bool is_hot : {false, true}) RunOnce(i, callers, is_hot);
      }
    }
    std::cout << "| PostMovement, callers | postings/s | p50 ms | p99 ms | errors "
                 "|\n|---|---|---|---|---|\n";
    for (const auto& [name, probe] : probes_) {
      const std::string error = PrintProbe(probe);
      if (!error.empty()) return absl::InternalError(error);
    }
    PrintCpu();
    std::cout << "\n| ratio | median | worst quarter | goal | |\n|---|---|---|---|---|\n";
    for (const int callers : kCallerCounts) {
      if (callers == 1) continue;
      for (const bool is_hot : {false, true}) PrintGoals(callers, is_hot);
    }
    return absl::OkStatus();
  }

  // One way right after the other.
  void RunOnce(int repetition, int callers, bool is_hot) {
    for (const Way& way : Ways()) {
      const std::string key = KeyOf(way.name, callers, is_hot);
      std::cerr << "repetition " << repetition + 1 << " of " << repetition_count_ << ": " << key
                << "\n";
      Probe& probe = probes_[key];
      probe.name = key;
      const MakeRequest requests = is_hot ? HotPostings() : SpreadPostings(WorldSize());
      std::atomic<int64_t> call_count = 0;
      const auto counted = [&](int64_t number) {
        ++call_count;
        return requests(number);
      };
      const std::map<std::string, double> before = ReadCpuSeconds();
      probe.results.push_back(way.post(counted, callers));
      for (const auto& [program, seconds] : ReadCpuSeconds()) {
        const auto earlier = before.find(program);
        const double used = seconds - (earlier == before.end() ? 0 : earlier->second);
        cpu_us_[key][program].push_back(used * 1e6 / static_cast<double>(call_count));
      }
    }
  }

  // Which program spends the time, where two processors are shared by all of them.
  void PrintCpu() {
    std::cout << "\n| CPU us a call | callers | gateway | nginx | inventory-svc | database "
                 "|\n|---|---|---|---|---|---|\n";
    for (auto& [key, by_program] : cpu_us_) {
      std::cout << "| " << key;
      for (const char* program : {"qm-bench", "gateway", "nginx", "inventory-svc", "mariadbd"}) {
        const std::vector<double>& figures = by_program[program];
        absl::PrintF(" | %.0f", figures.empty() ? 0 : Quantile(figures, 0.5));
      }
      std::cout << " |\n";
    }
  }

  void PrintGoals(int callers, bool is_hot) {
    const auto probe = [&](const std::string& way) { return probes_[KeyOf(way, callers, is_hot)]; };
    const std::string what = absl::StrCat(is_hot ? "hot, " : "spread, ", callers, " callers");
    PrintGoal(absl::StrCat("gateway gRPC / nginx grpc_pass, ", what),
              RatioOf(probe("gateway"), probe("nginx")), callers < 64 ? 1.0 : 1.3);
    PrintGoal(absl::StrCat("gateway JSON / gateway gRPC, ", what),
              RatioOf(probe("JSON"), probe("gateway")), 0.5);
  }

  void PrintStart(int64_t idle_inventory_kib, int64_t idle_gateway_kib) {
    std::vector<double> seconds;
    for (int i = 0; i < repetition_count_; ++i) {
      stack_->inventory().Stop(absl::Now() + absl::Seconds(10));
      const absl::Time start = absl::Now();
      const absl::Status started = stack_->StartInventory();
      if (!started.ok()) std::cout << started.message() << "\n";
      seconds.push_back(absl::ToDoubleSeconds(absl::Now() - start));
    }
    std::cout << "\n| start and memory | measured | goal | |\n|---|---|---|---|\n";
    const double start = Quantile(seconds, 0.75);
    absl::PrintF("| inventory-svc start to serving, s (upper quartile) | %.2f | 0.50 | %s |\n",
                 start, start <= 0.5 ? "met" : "MISSED");
    for (const auto& [name, kib] :
         {std::pair("inventory-svc", idle_inventory_kib), std::pair("gateway", idle_gateway_kib)}) {
      absl::PrintF("| %s idle memory, MiB | %.1f | 40.0 | %s |\n", name, kib / 1024.0,
                   kib <= 40 * 1024 ? "met" : "MISSED");
    }
  }

  const int repetition_count_;
  std::unique_ptr<testing::Stack> stack_;
  std::unique_ptr<Nginx> nginx_;
  std::string bearer_;
  std::map<std::string, Probe> probes_;
  // By what was measured and by program; a figure for each repetition.
  std::map<std::string, std::map<std::string, std::vector<double>>> cpu_us_;
};

}  // namespace

absl::Status MeasurePaths(int repetition_count) { return PathsBench(repetition_count).Run(); }

}  // namespace quartermaster::load
