#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>

namespace quartermaster::testing {

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { Close(); }
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

// A socket of one family with its address.
struct Endpoint {
  Endpoint(const std::string& path, uint16_t port) {
    if (!path.empty()) {
      auto* unix_address = reinterpret_cast<sockaddr_un*>(&address);
      unix_address->sun_family = AF_UNIX;
      path.copy(unix_address->sun_path, sizeof(unix_address->sun_path) - 1);
      size = sizeof(sockaddr_un);
    } else {
      auto* tcp_address = reinterpret_cast<sockaddr_in*>(&address);
      tcp_address->sin_family = AF_INET;
      tcp_address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      tcp_address->sin_port = htons(port);
      size = sizeof(sockaddr_in);
    }
  }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&address); }
  Descriptor MakeSocket() const {
    return Descriptor(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  }

  sockaddr_storage address = {};
  socklen_t size = 0;
};

}  // namespace quartermaster::testing
