#include "platform/rpc/raw_connection.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"

namespace quartermaster::rpc {
namespace {

constexpr char kSettings = 4;
constexpr char kHeaders = 1;
constexpr char kEndOfHeaders = 4;

std::string Frame(char type, char flags, char stream, const std::string& payload) {
  const char header[] = {0,
                         static_cast<char>(payload.size() >> 8),
                         static_cast<char>(payload.size()),
                         type,
                         flags,
                         0,
                         0,
                         0,
                         stream};
  return std::string(header, sizeof(header)) + payload;
}

}  // namespace

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
  Headers all = {{":method", "POST"},
                 {":scheme", "http"},
                 {":path", "/" + method},
                 {":authority", "localhost"},
                 {"content-type", "application/grpc"},
                 {"te", "trailers"}};
  all.insert(all.end(), more.begin(), more.end());
  std::string headers;
  for (const auto& [key, text] : all) {
    // A literal that is not to be indexed, its name and value as plain bytes.
    absl::StrAppend(&headers, std::string(1, '\0'), std::string(1, static_cast<char>(key.size())),
                    key, std::string(1, static_cast<char>(text.size())), text);
  }
  Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(kSettings, 0, 0, "") +
       Frame(kHeaders, kEndOfHeaders, 1, headers));
}

bool RawConnection::IsClosedByServer() {
  char buffer[4096];
  ssize_t size;
  do {
    size = recv(socket_, buffer, sizeof(buffer), 0);
  } while (size > 0);
  return size == 0 || errno == ECONNRESET;
}

void RawConnection::Send(const std::string& bytes) {
  QM_CHECK(send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size()));
}

}  // namespace quartermaster::rpc
