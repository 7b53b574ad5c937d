#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace quartermaster::rpc {

// One HTTP/2 connection in the clear made of raw bytes, for tests of what no client library would
// send. Not thread-safe.
class RawConnection {
 public:
  static constexpr uint8_t kData = 0;
  static constexpr uint8_t kHeaders = 1;
  static constexpr uint8_t kReset = 3;
  static constexpr uint8_t kSettings = 4;
  static constexpr uint8_t kPing = 6;
  static constexpr uint8_t kContinuation = 9;
  static constexpr uint8_t kEndOfStream = 1;
  static constexpr uint8_t kEndOfHeaders = 4;
  static constexpr size_t kFrameBytesMax = 16384;

  using Headers = std::vector<std::pair<std::string, std::string>>;

  // Connects to `127.0.0.1:port`, where somebody must be.
  explicit RawConnection(const std::string& address);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  // Greets the server and begins a call, on stream 1.
  void Call(const std::string& method, const Headers& more);

  // Sends the connection's preface and empty settings. Never acknowledges the server's.
  void Greet();
  // Begins a call of a method (`package.Service/Method`) with more headers, each of whose names and
  // values is shorter than 127 bytes. False if the server has closed the connection.
  bool Open(uint32_t stream, const std::string& method, const Headers& more);
  // Sends one frame (RFC 9113, section 6) of at most 16384 bytes. False as above.
  bool SendFrame(uint8_t type, uint8_t flags, uint32_t stream, const std::string& payload);

  // Waits until the server has taken in everything sent so far and answers a ping after it. False
  // if it closes the connection instead, or does neither for 20 seconds.
  bool Ping();

  // Waits until the server closes the connection; false if it does not for 20 seconds.
  bool IsClosedByServer();

 private:
  bool Send(const std::string& bytes);

  const int socket_;
};

}  // namespace quartermaster::rpc
