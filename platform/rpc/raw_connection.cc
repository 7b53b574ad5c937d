#include "platform/rpc/raw_connection.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"

namespace quartermaster::rpc {

RawConnection::RawConnection(const std::string& address)
    : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in peer = {};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  QM_CHECK(connect(socket_, reinterpret_cast<sockaddr*>(&peer), sizeof(peer)) == 0);
  const timeval patience = {.tv_sec = 20, .tv_usec = 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

RawConnection::~RawConnection() { close(socket_); }

void RawConnection::Call(const std::string& method, const Headers& more) {
  Greet();
  Open(1, method, more);
}

void RawConnection::Greet() {
  Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  SendFrame(kSettings, 0, 0, "");
}

bool RawConnection::Open(uint32_t stream, const std::string& method, const Headers& more) {
  Headers all = {{":method", "POST"},
                 {":scheme", "http"},
                 {":path", "/" + method},
                 {":authority", "localhost"},
                 {"content-type", "application/grpc"},
                 {"te", "trailers"}};
  all.insert(all.end(), more.begin(), more.end());
  std::string block;
  for (const auto& [key, text] : all) {
    // A literal that is not to be indexed, its name and value as plain bytes.
    absl::StrAppend(&block, std::string(1, '\0'), std::string(1, static_cast<char>(key.size())),
                    key, std::string(1, static_cast<char>(text.size())), text);
  }
  uint8_t type = kHeaders;
  do {
    const std::string part = block.substr(0, kFrameBytesMax);
    block.erase(0, part.size());
    if (!SendFrame(type, block.empty() ? kEndOfHeaders : 0, stream, part)) return false;
    type = kContinuation;
  } while (!block.empty());
  return true;
}

bool RawConnection::SendFrame(uint8_t type, uint8_t flags, uint32_t stream,
                              const std::string& payload) {
  QM_CHECK(payload.size() <= kFrameBytesMax);
  const char header[] = {0,
                         static_cast<char>(payload.size() >> 8),
                         static_cast<char>(payload.size()),
                         static_cast<char>(type),
                         static_cast<char>(flags),
                         static_cast<char>(stream >> 24),
                         static_cast<char>(stream >> 16),
                         static_cast<char>(stream >> 8),
                         static_cast<char>(stream)};
  return Send(std::string(header, sizeof(header)) + payload);
}

bool RawConnection::Ping() {
  const std::string payload = "are-you?";
  if (!SendFrame(kPing, 0, 0, payload)) return false;
  // The eight bytes come back in a frame of their own; nothing else here could hold them.
  std::string received;
  char buffer[4096];
  while (received.find(payload) == std::string::npos) {
    const ssize_t size = recv(socket_, buffer, sizeof(buffer), 0);
    if (size <= 0) return false;
    received.append(buffer, static_cast<size_t>(size));
  }
  return true;
}

bool RawConnection::IsClosedByServer() {
  char buffer[4096];
  ssize_t size;
  do {
    size = recv(socket_, buffer, sizeof(buffer), 0);
  } while (size > 0);
  return size == 0 || errno == ECONNRESET;
}

bool RawConnection::Send(const std::string& bytes) {
  return send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

}  // namespace quartermaster::rpc
