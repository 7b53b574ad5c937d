#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/base/clock.h"
#include "platform/base/mutex.h"

namespace quartermaster::base {

// A UUID (RFC 9562). All zero is the nil UUID.
struct Uuid {
  std::array<uint8_t, 16> bytes = {};

  // Reads the 36-character form, in either case; nothing else.
  static std::optional<Uuid> Parse(absl::string_view text);
  // Reads the sixteen bytes that a database column holds.
  static std::optional<Uuid> FromBytes(absl::string_view sixteen_bytes);

  // Renders the 36-character form, in lower case.
  std::string ToString() const;
  // Renders the sixteen bytes, for a BINARY(16) column.
  std::string ToBytes() const;
  bool is_nil() const { return *this == Uuid{}; }

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const Uuid& uuid) {
    return H::combine(std::move(state), uuid.bytes);
  }
};

// Makes UUIDs of version 7: ordered by time, with 74 random bits from the operating system, so that
// replicas need no number of their own. Those of one source ascend strictly even within a
// millisecond and when the clock steps back. Thread-safe.
class UuidSource {
 public:
  explicit UuidSource(const Clock& clock) : clock_(clock) {}
  virtual ~UuidSource() = default;
  virtual Uuid Next();

 private:
  const Clock& clock_;
  base::Mutex mutex_;
  Uuid last_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::base
