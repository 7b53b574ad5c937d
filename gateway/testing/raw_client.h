#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace quartermaster::gateway {

// How long a test waits for what must come.
inline constexpr absl::Duration kPatience = absl::Seconds(10);

// A TCP client that sends bytes as they are. Not thread-safe.
class RawClient {
 public:
  // Connects to `host:port` on the loopback; the test fails if nobody is there.
  explicit RawClient(const std::string& address);
  ~RawClient() { Close(); }
  RawClient(RawClient&& other) noexcept;
  RawClient& operator=(RawClient&&) = delete;

  // Returns whether all of it could be sent.
  bool Send(absl::string_view bytes);
  // Reads until `enough` comes along, the other side closes, or patience ends, which adds
  // `<timeout>` to what was read.
  std::string ReadUntil(absl::string_view enough);
  std::string ReadToEnd() { return ReadUntil(""); }
  void Close();

 private:
  int socket_;
};

}  // namespace quartermaster::gateway
