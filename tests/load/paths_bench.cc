#include "tests/load/paths_bench.h"

#include <cstdio>
#include <fstream>
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

class PathsBench {
 public:
  explicit PathsBench(int repetition_count) : repetition_count_(repetition_count) {}

  absl::Status Run() {
    QM_ASSIGN_OR_RETURN(stack_, testing::Stack::Start({.systems_json = SystemsJson()}));
    const int64_t idle_inventory = MemoryKib(stack_->inventory().pid(), "VmRSS");
    const int64_t idle_gateway = MemoryKib(stack_->gateway().pid(), "VmRSS");
    QM_RETURN_IF_ERROR(MakeWorld(stack_->ConnectToInventory("province-demo"), WorldSize()));
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
      add("direct spread",
          [=, this] { return Post(direct_, SpreadPostings(WorldSize()), callers, false); });
      add("direct hot", [=, this] { return Post(direct_, HotPostings(), callers, false); });
      add("gateway spread",
          [=, this] { return Post(gateway_, SpreadPostings(WorldSize()), callers, true); });
      add("nginx spread",
          [=, this] { return Post(through_nginx_, SpreadPostings(WorldSize()), callers, false); });
      add("JSON spread", [=, this] {
        return RunJsonPostings(stack_->gateway_http_address(), SpreadPostings(WorldSize()),
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
  std::unique_ptr<testing::Stack> stack_;
  std::unique_ptr<Nginx> nginx_;
  std::string bearer_;
  std::vector<std::shared_ptr<grpc::Channel>> direct_;
  std::vector<std::shared_ptr<grpc::Channel>> gateway_;
  std::vector<std::shared_ptr<grpc::Channel>> through_nginx_;
};

}  // namespace

absl::Status MeasurePaths(int repetition_count) { return PathsBench(repetition_count).Run(); }

}  // namespace quartermaster::load
