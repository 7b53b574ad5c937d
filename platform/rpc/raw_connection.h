#pragma once

#include <string>
#include <utility>
#include <vector>

namespace quartermaster::rpc {

// One HTTP/2 connection in the clear made of raw bytes, for tests of what no client library would
// send. Not thread-safe.
class RawConnection {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  // Connects to `127.0.0.1:port`, where somebody must be.
  explicit RawConnection(const std::string& address);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  // Begins a call of a method (`package.Service/Method`) with more headers, each of whose names and
  // values is shorter than 127 bytes.
  void Call(const std::string& method, const Headers& more);

  // Waits until the server closes the connection; false if it does not for 20 seconds.
  bool IsClosedByServer();

 private:
  void Send(const std::string& bytes);

  const int socket_;
};

}  // namespace quartermaster::rpc
