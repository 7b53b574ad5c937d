#pragma once

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

namespace quartermaster::base {

// Does once, at the end of a piece of work, what several parts of it ask for:
//
//   base::DoTogether([&] {
//     for (Call& call : turn) call.Answer();   // each puts an answer into its stream, and
//   });                                        // asks `PutOff` for the stream to be written
//
// A part need not know whether it is part of anything: if it is not, `PutOff` says so.
class PutOff {
 public:
  virtual ~PutOff() = default;
  // Does it. Called on the thread that asked.
  virtual void DoNow() = 0;

  // Has `work` done, once, at the end of what this thread does together. Returns false if it does
  // nothing together: then whoever asks does it.
  static bool ToTheEnd(const std::shared_ptr<PutOff>& work) {
    if (current_ == nullptr) return false;
    if (std::ranges::find(*current_, work) == current_->end()) current_->push_back(work);
    return true;
  }

 private:
  template <typename F>
  friend void DoTogether(F&& work);
  using Works = std::vector<std::shared_ptr<PutOff>>;

  // Those of this thread; null if it does nothing together.
  static inline thread_local Works* current_ = nullptr;
};

// Runs `work`, then all that it put off, whatever of these throws; throws the first of that at the
// end. Within another it is a part of that.
template <typename F>
void DoTogether(F&& work) {
  if (PutOff::current_ != nullptr) return work();
  PutOff::Works works;
  std::exception_ptr thrown;
  const auto attempt = [&thrown](auto&& step) {
    try {
      step();
    } catch (...) {
      if (thrown == nullptr) thrown = std::current_exception();
    }
  };
  PutOff::current_ = &works;
  attempt(work);
  PutOff::current_ = nullptr;
  for (const std::shared_ptr<PutOff>& one : works) attempt([&one] { one->DoNow(); });
  if (thrown != nullptr) std::rethrow_exception(thrown);
}

}  // namespace quartermaster::base
