#pragma once

#include <utility>

namespace quartermaster::log {

// Holds what must never be shown: personal data, a token, a key. It cannot be printed, formatted,
// concatenated or logged; whoever needs the value says `Reveal()`, which is easy to find in review.
template <typename T>
class Private {
 public:
  Private() = default;
  explicit Private(T value) : value_(std::move(value)) {}

  const T& Reveal() const& { return value_; }
  T Reveal() && { return std::move(value_); }

  friend bool operator==(const Private&, const Private&) = default;

 private:
  T value_ = {};
};

// Deleted rather than absent, so that the compiler's message names the rule.
template <typename Stream, typename T>
Stream& operator<<(Stream& stream, const Private<T>& value) = delete;

}  // namespace quartermaster::log
