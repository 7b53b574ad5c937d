#include "qmctl/import/parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace quartermaster::qmctl {

void RunParallel(size_t count, int in_flight, absl::FunctionRef<bool(size_t)> work) {
  std::atomic<size_t> next = 0;
  const auto run = [&] {
    for (size_t i = next++; i < count; i = next++) {
      if (!work(i)) next = count;
    }
  };
  std::vector<std::jthread> threads;
  const size_t thread_count = std::min(count, static_cast<size_t>(std::max(1, in_flight)));
  for (size_t i = 0; i < thread_count; ++i) threads.emplace_back(run);
}

}  // namespace quartermaster::qmctl
