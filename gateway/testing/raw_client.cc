#include "gateway/testing/raw_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/time/clock.h"

namespace quartermaster::gateway {

RawClient::RawClient(const std::string& address) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port)) << address;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // Bytes go when they are sent: two pieces of a request would wait for each other's answer.
  const int is_on = 1;
  EXPECT_EQ(::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &is_on, sizeof is_on), 0);
  EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0) << address;
}

RawClient::RawClient(RawClient&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}

bool RawClient::Send(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

std::string RawClient::ReadUntil(absl::string_view enough) {
  std::string read;
  const absl::Time end = absl::Now() + kPatience;
  while (enough.empty() || !absl::StrContains(read, enough)) {
    pollfd wait = {.fd = socket_, .events = POLLIN};
    const auto left = absl::ToInt64Milliseconds(end - absl::Now());
    if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left)) <= 0) return read + "<timeout>";
    char bytes[4096];
    const ssize_t size = ::recv(socket_, bytes, sizeof bytes, 0);
    if (size <= 0) return read;
    read.append(bytes, static_cast<size_t>(size));
  }
  return read;
}

void RawClient::Close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

}  // namespace quartermaster::gateway
