#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "platform/base/mutex.h"

namespace quartermaster::gateway {

// An amount of something that many share and nobody may overdraw. As long as no more than half of
// it is taken, everybody gets what they ask for; from then on a holder may have a quarter, so that
// one alone never takes the last from the others. Thread-safe.
class Budget {
 public:
  explicit Budget(int64_t limit) : limit_(limit) {}

  // What one user of a budget has taken of it, on behalf of a holder; given back when it ends. Not
  // thread-safe. The budget must outlive it.
  class Part {
   public:
    explicit Part(Budget& budget) : budget_(budget) {}
    ~Part() { GiveBack(); }
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;

    // Gives back what there was, and takes for `holder` from now on.
    void StartFor(std::string holder) {
      GiveBack();
      holder_ = std::move(holder);
    }
    // Takes `amount` more, or nothing and returns false.
    bool Take(int64_t amount) {
      if (!budget_.Take(holder_, amount)) return false;
      taken_ += amount;
      return true;
    }
    void GiveBack() {
      if (taken_ > 0) budget_.GiveBack(holder_, std::exchange(taken_, 0));
    }

   private:
    Budget& budget_;
    std::string holder_;
    int64_t taken_ = 0;
  };

 private:
  bool Take(const std::string& holder, int64_t amount) {
    base::MutexLock lock(&mutex_);
    if (taken_ + amount > limit_) return false;
    const auto held = held_.find(holder);
    const int64_t by_holder = (held == held_.end() ? 0 : held->second) + amount;
    if (taken_ + amount > limit_ / 2 && by_holder > limit_ / 4) return false;
    held_[holder] = by_holder;
    taken_ += amount;
    return true;
  }

  void GiveBack(const std::string& holder, int64_t amount) {
    base::MutexLock lock(&mutex_);
    taken_ -= amount;
    const auto held = held_.find(holder);
    held->second -= amount;
    if (held->second == 0) held_.erase(held);
  }

  const int64_t limit_;
  base::Mutex mutex_;
  int64_t taken_ ABSL_GUARDED_BY(mutex_) = 0;
  // Of those who hold something.
  absl::flat_hash_map<std::string, int64_t> held_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::gateway
