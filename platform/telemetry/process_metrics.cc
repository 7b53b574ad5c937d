#include "platform/telemetry/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace quartermaster::telemetry {
namespace {

double ReadResidentBytes() {
  int64_t size_pages = 0;
  int64_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> size_pages >> resident_pages;
  return static_cast<double>(resident_pages * sysconf(_SC_PAGESIZE));
}

double ReadCpuSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double CountOpenFiles() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  // Listing them opens one more.
  return error ? 0 : static_cast<double>(std::distance(begin(files), end(files)) - 1);
}

}  // namespace

void AddProcessMetrics(Metrics& metrics) {
  prometheus::Gauge& resident = metrics.AddGauge("process_resident_bytes", "Memory in use.").Only();
  prometheus::Gauge& cpu =
      metrics.AddGauge("process_cpu_seconds", "CPU time used since the start.").Only();
  prometheus::Gauge& files =
      metrics.AddGauge("process_open_files_count", "Files and sockets that are open.").Only();
  metrics.BeforeRender([&resident, &cpu, &files] {
    resident.Set(ReadResidentBytes());
    cpu.Set(ReadCpuSeconds());
    files.Set(CountOpenFiles());
  });
}

}  // namespace quartermaster::telemetry
