#include "platform/rpc/listen_probe.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"

namespace quartermaster::rpc {
namespace {

std::string WhyNotBinding(int family, const sockaddr* address, socklen_t size) {
  const int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return std::strerror(errno);
  const int one = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  std::string why = "unknown reason";
  if (bind(descriptor, address, size) != 0) why = std::strerror(errno);
  close(descriptor);
  return why;
}

std::string WhyNotBindingUnix(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return "the path of the socket is too long";
  std::memcpy(address.sun_path, path.data(), path.size());
  return WhyNotBinding(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

}  // namespace

std::string FindWhyNotListening(const std::string& address) {
  if (absl::StartsWith(address, "unix:")) return WhyNotBindingUnix(address.substr(5));
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return "it is not of the form host:port";
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  const std::string port = address.substr(colon + 1);
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) return gai_strerror(error);
  const std::string why = WhyNotBinding(found->ai_family, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  return why;
}

}  // namespace quartermaster::rpc
