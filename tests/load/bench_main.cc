// qm-bench: measures the real programs on this machine and prints ratios within one run.
//
// What is compared is run in turn, A B C A B C …, so that the machine's moods meet all alike. Each
// figure is the median of the repetitions; a goal is missed when the upper quartile misses it.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"
#include "tests/harness/stack.h"
#include "tests/load/callers.h"
#include "tests/load/lanes_bench.h"
#include "tests/load/nginx.h"
#include "tests/load/probes.h"
#include "tests/load/world.h"

namespace quartermaster::load {
namespace {

constexpr int kChannelCount = 2;

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

class Bench {
 public:
  Bench(int repetition_count, bool has_lanes, bool has_paths)
      : repetition_count_(repetition_count), has_lanes_(has_lanes), has_paths_(has_paths) {}

  absl::Status Run() {
    QM_ASSIGN_OR_RETURN(
        stack_, testing::Stack::Start({.has_gateway = has_paths_, .systems_json = SystemsJson()}));
    const int64_t idle_inventory = MemoryKib(stack_->inventory().pid(), "VmRSS");
    const int64_t idle_gateway = has_paths_ ? MemoryKib(stack_->gateway().pid(), "VmRSS") : 0;
    QM_RETURN_IF_ERROR(MakeWorld(stack_->ConnectToInventory("province-demo")));
    if (has_lanes_) QM_RETURN_IF_ERROR(MeasureLanes(*stack_, repetition_count_));
    if (!has_paths_) return absl::OkStatus();
    std::cout << "\n";
    QM_ASSIGN_OR_RETURN(nginx_, Nginx::Start(stack_->directory(), stack_->inventory_address()));
    QM_ASSIGN_OR_RETURN(const std::string token, stack_->MakeToken("bench", PersonGrants()));
    bearer_ = "Bearer " + token;
    for (int i = 0; i < kChannelCount; ++i) {
      direct_.push_back(stack_->ConnectToInventory("province-demo"));
      gateway_.push_back(stack_->ConnectToGateway());
      through_nginx_.push_back(stack_->ConnectPlaintext(nginx_->address()));
    }
    QM_RETURN_IF_ERROR(MeasurePaths());
    PrintStart(idle_inventory, idle_gateway);
    return absl::OkStatus();
  }

 private:
  RunResult Post(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                 const MakeRequest& requests, int caller_count, bool has_token) {
    RunOptions options{.caller_count = caller_count};
    if (has_token) options.metadata = {{"authorization", bearer_}};
    return RunPostings(channels, requests, options);
  }

  // Fails if a call did: figures of refusals mean nothing.
  absl::Status MeasurePaths() {
    std::map<std::string, Probe> probes;
    for (const int callers : {1, 8, 64}) {
      const auto add = [&](const std::string& name, std::function<RunResult()> run) {
        const std::string key = absl::StrCat(name, ", ", callers);
        probes[key] = {.name = key, .run = std::move(run)};
      };
      add("direct spread", [=, this] { return Post(direct_, SpreadPostings(), callers, false); });
      add("direct hot", [=, this] { return Post(direct_, HotPostings(), callers, false); });
      add("gateway spread", [=, this] { return Post(gateway_, SpreadPostings(), callers, true); });
      add("nginx spread",
          [=, this] { return Post(through_nginx_, SpreadPostings(), callers, false); });
      add("JSON spread", [=, this] {
        return RunJsonPostings(stack_->gateway_http_address(), SpreadPostings(),
                               {.caller_count = callers, .metadata = {{"authorization", bearer_}}});
      });
    }
    for (int i = 0; i < repetition_count_; ++i) {
      for (auto& [name, probe] : probes) {
        std::cerr << "repetition " << i + 1 << " of " << repetition_count_ << ": " << name << "\n";
        probe.results.push_back(probe.run());
      }
    }
    std::cout << "| PostMovement, callers | postings/s | p50 ms | p99 ms | errors "
                 "|\n|---|---|---|---|---|\n";
    for (const auto& [name, probe] : probes) {
      const std::string error = PrintProbe(probe);
      if (!error.empty()) return absl::InternalError(error);
    }
    std::cout << "\n| ratio | median | worst quarter | goal | |\n|---|---|---|---|---|\n";
    PrintGoal("gateway gRPC / nginx grpc_pass, 64 callers",
              RatioOf(probes["gateway spread, 64"], probes["nginx spread, 64"]), 1.3);
    PrintGoal("gateway gRPC / nginx grpc_pass, 8 callers",
              RatioOf(probes["gateway spread, 8"], probes["nginx spread, 8"]), 1.0);
    PrintGoal("gateway JSON / gateway gRPC, 64 callers",
              RatioOf(probes["JSON spread, 64"], probes["gateway spread, 64"]), 0.5);
    PrintGoal("gateway JSON / gateway gRPC, 8 callers",
              RatioOf(probes["JSON spread, 8"], probes["gateway spread, 8"]), 0.5);
    return absl::OkStatus();
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
  const bool has_lanes_;
  const bool has_paths_;
  std::unique_ptr<testing::Stack> stack_;
  std::unique_ptr<Nginx> nginx_;
  std::string bearer_;
  std::vector<std::shared_ptr<grpc::Channel>> direct_;
  std::vector<std::shared_ptr<grpc::Channel>> gateway_;
  std::vector<std::shared_ptr<grpc::Channel>> through_nginx_;
};

}  // namespace
}  // namespace quartermaster::load

int main(int argc, char** argv) {
  int repetition_count = 3;
  bool has_lanes = true;
  bool has_paths = true;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view argument = argv[i];
    if (argument == "--only=lanes") {
      has_paths = false;
    } else if (argument == "--only=paths") {
      has_lanes = false;
    } else if (!absl::SimpleAtoi(argument, &repetition_count) || repetition_count < 1 ||
               repetition_count > 100) {
      std::cerr
          << "usage: qm-bench [--only=lanes|--only=paths] [repetitions, 1 to 100; default 3]\n";
      return 2;
    }
  }
  const absl::Status measured =
      quartermaster::load::Bench(repetition_count, has_lanes, has_paths).Run();
  if (measured.ok()) return 0;
  std::cerr << "qm-bench: " << measured.message() << "\n";
  return 1;
}
