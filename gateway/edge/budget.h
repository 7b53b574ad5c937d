#pragma once

#include <atomic>
#include <cstdint>

namespace quartermaster::gateway {

// An amount of something that many share and nobody may overdraw. Thread-safe.
class Budget {
 public:
  explicit Budget(int64_t limit) : limit_(limit) {}

  // Takes `amount` if that much is left.
  bool Take(int64_t amount) {
    if (taken_.fetch_add(amount) + amount <= limit_) return true;
    taken_.fetch_sub(amount);
    return false;
  }
  void GiveBack(int64_t amount) { taken_.fetch_sub(amount); }
  int64_t taken() const { return taken_.load(); }

 private:
  const int64_t limit_;
  std::atomic<int64_t> taken_ = 0;
};

}  // namespace quartermaster::gateway
