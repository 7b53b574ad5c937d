#include "platform/base/stop_wait.h"

#include <condition_variable>
#include <mutex>

namespace quartermaster::base {

void WaitUnlessStopped(const std::stop_token& stop, absl::Duration time) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, stop, absl::ToChronoMicroseconds(time), [] { return false; });
}

}  // namespace quartermaster::base
