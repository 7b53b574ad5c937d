#include "tests/load/cpu_times.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>

#include "absl/strings/numbers.h"

namespace quartermaster::load {
namespace {

struct Usage {
  std::string program;
  pid_t parent = 0;
  int64_t ticks = 0;
};

// Nothing if the process has ended.
std::optional<Usage> ReadUsage(const std::filesystem::path& process) {
  std::ifstream file(process / "stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  const size_t begin = line.find('(');
  const size_t end = line.rfind(')');
  Usage usage{.program = line.substr(begin + 1, end - begin - 1)};
  int64_t user = 0;
  int64_t system = 0;
  if (std::sscanf(line.c_str() + end + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld",
                  &usage.parent, &user, &system) != 3) {
    return std::nullopt;
  }
  usage.ticks = user + system;
  return usage;
}

}  // namespace

std::map<std::string, double> ReadCpuSeconds() {
  std::map<pid_t, Usage> processes;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    if (const auto usage = ReadUsage(entry.path())) processes[pid] = *usage;
  }
  const auto is_ours = [&](pid_t pid) {
    while (pid != 0 && pid != ::getpid()) {
      const auto found = processes.find(pid);
      pid = found == processes.end() ? 0 : found->second.parent;
    }
    return pid != 0;
  };
  std::map<std::string, double> seconds;
  for (const auto& [pid, usage] : processes) {
    if (!is_ours(pid)) continue;
    seconds[usage.program] += static_cast<double>(usage.ticks) / ::sysconf(_SC_CLK_TCK);
  }
  return seconds;
}

}  // namespace quartermaster::load
