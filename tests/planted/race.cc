// Two threads count without a lock. ThreadSanitizer must say so, or it says nothing of anything.

#include <cstdint>
#include <iostream>
#include <thread>

#include "platform/base/mutex.h"

int main() {
  int64_t count = 0;
  quartermaster::base::Mutex mutex;
  const auto add = [&](bool is_locking) {
    for (int i = 0; i < 1000; ++i) {
      if (is_locking) mutex.Lock();
      ++count;
      if (is_locking) mutex.Unlock();
    }
  };
  std::thread careful(add, true);
  std::thread careless(add, false);
  careful.join();
  careless.join();
  std::cout << count << std::endl;
}
