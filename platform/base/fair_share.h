#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace quartermaster::base {

// Who holds how many of a number of places, and who may have more: whoever comes while fewer than
// half are taken; once half are, a caller who would then hold no more than a quarter. So one caller
// alone fills no more than half, and finds room for one place, however few there are.
//
// Only counts: who takes a place without asking gets it. Thread-compatible.
class FairShare {
 public:
  enum class Room { kEnough, kNoneAtAll, kNoneForThisCaller };

  explicit FairShare(int64_t places_max) : places_max_(places_max) {}

  // Judges whether `caller` may have `count` places more. An empty name is nobody's: such places
  // are counted in, and nobody's share is judged.
  Room Judge(absl::string_view caller, int64_t count = 1) const {
    if (taken_ + count > places_max_) return Room::kNoneAtAll;
    const int64_t own = TakenBy(caller);
    const bool is_half_taken = taken_ + count > places_max_ / 2;
    if (is_half_taken && own > 0 && own + count > caller_max()) return Room::kNoneForThisCaller;
    return Room::kEnough;
  }

  void Take(absl::string_view caller, int64_t count = 1) {
    taken_ += count;
    if (!caller.empty()) by_caller_[caller] += count;
  }

  // Gives back what `caller` took.
  void Leave(absl::string_view caller, int64_t count = 1) {
    taken_ -= count;
    const auto own = by_caller_.find(caller);
    if (own == by_caller_.end()) return;
    own->second -= count;
    // Callers come and go.
    if (own->second <= 0) by_caller_.erase(own);
  }

  int64_t taken() const { return taken_; }
  int64_t TakenBy(absl::string_view caller) const {
    const auto own = by_caller_.find(caller);
    return own == by_caller_.end() ? 0 : own->second;
  }
  int64_t places_max() const { return places_max_; }
  // What a caller may hold once half are taken.
  int64_t caller_max() const { return std::max<int64_t>(1, places_max_ / 4); }

 private:
  int64_t places_max_;
  int64_t taken_ = 0;
  absl::flat_hash_map<std::string, int64_t> by_caller_;
};

}  // namespace quartermaster::base
