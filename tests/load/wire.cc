#include "tests/load/wire.h"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"

namespace quartermaster::load {
namespace {

constexpr unsigned char kHttp2[] = {2, 'h', '2'};

absl::Status SystemError(const std::string& what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(errno)));
}

std::string TlsErrors() {
  std::string text;
  while (const unsigned long error = ERR_get_error()) {
    char line[256];
    ERR_error_string_n(error, line, sizeof(line));
    absl::StrAppend(&text, text.empty() ? "" : "; ", line);
  }
  return text;
}

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

}  // namespace

absl::StatusOr<std::unique_ptr<Wire>> Wire::Open(const Target& target, absl::Time deadline) {
  auto wire = std::unique_ptr<Wire>(new Wire);
  QM_RETURN_IF_ERROR(wire->Connect(target.address, deadline));
  if (!target.is_plaintext()) {
    QM_RETURN_IF_ERROR(wire->StartTls(target));
    QM_RETURN_IF_ERROR(wire->Handshake(deadline));
  }
  return wire;
}

absl::Status Wire::Connect(const std::string& address, absl::Time deadline) {
  uint32_t port = 0;
  if (!absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port) || port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("not an address: ", address));
  }
  testing::Endpoint server("", static_cast<uint16_t>(port));
  socket_ = server.MakeSocket();
  if (::connect(fd(), server.get(), server.size) != 0) {
    if (errno != EINPROGRESS) return SystemError(address);
    QM_RETURN_IF_ERROR(Await(POLLOUT, deadline));
    int error = 0;
    socklen_t size = sizeof(error);
    ::getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    errno = error;
    if (error != 0) return SystemError(address);
  }
  const int on = 1;
  ::setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return absl::OkStatus();
}

absl::Status Wire::StartTls(const Target& target) {
  const std::unique_ptr<SSL_CTX, FreeContext> context(SSL_CTX_new(TLS_client_method()));
  if (SSL_CTX_load_verify_file(context.get(), target.ca_file.c_str()) != 1 ||
      SSL_CTX_use_certificate_chain_file(context.get(), target.certificate_file.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), target.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return absl::InvalidArgumentError(absl::StrCat("keys for TLS: ", TlsErrors()));
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_protos(context.get(), kHttp2, sizeof(kHttp2));
  tls_.reset(SSL_new(context.get()));
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_.get()), "127.0.0.1");
  SSL_set_bio(tls_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(tls_.get());
  return absl::OkStatus();
}

absl::Status Wire::Handshake(absl::Time deadline) {
  while (true) {
    ERR_clear_error();
    const int done = SSL_do_handshake(tls_.get());
    const int error = SSL_get_error(tls_.get(), done);
    QM_RETURN_IF_ERROR(Flush());
    if (done == 1) break;
    if (error != SSL_ERROR_WANT_READ) {
      return absl::UnavailableError(absl::StrCat("TLS: ", TlsErrors()));
    }
    QM_RETURN_IF_ERROR(Await(has_unsent() ? POLLIN | POLLOUT : POLLIN, deadline));
    QM_ASSIGN_OR_RETURN(const size_t count, Receive());
    BIO_write(SSL_get_rbio(tls_.get()), received_, static_cast<int>(count));
  }
  const unsigned char* protocol = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(tls_.get(), &protocol, &size);
  if (size != 2) return absl::UnavailableError("TLS: the server does not speak HTTP/2");
  return absl::OkStatus();
}

absl::Status Wire::Await(short events, absl::Time deadline) const {
  pollfd entry = {.fd = fd(), .events = events, .revents = 0};
  while (true) {
    const int64_t left_ms = absl::ToInt64Milliseconds(deadline - absl::Now());
    const int ready_count = left_ms <= 0 ? 0 : ::poll(&entry, 1, static_cast<int>(left_ms) + 1);
    if (ready_count > 0) return absl::OkStatus();
    if (ready_count < 0 && errno != EINTR) return SystemError("waiting");
    if (ready_count == 0) {
      return absl::DeadlineExceededError("the server did not take the connection in time");
    }
  }
}

absl::StatusOr<size_t> Wire::Receive() {
  const ssize_t count = ::recv(fd(), received_, sizeof(received_), 0);
  if (count > 0) return static_cast<size_t>(count);
  if (count == 0) return absl::UnavailableError("the server closed the connection");
  if (errno == EAGAIN || errno == EINTR) return size_t{0};
  return SystemError("receiving");
}

absl::Status Wire::Read(absl::FunctionRef<absl::Status(const uint8_t* bytes, size_t count)> take) {
  QM_ASSIGN_OR_RETURN(const size_t count, Receive());
  if (tls_ == nullptr) return take(received_, count);
  BIO_write(SSL_get_rbio(tls_.get()), received_, static_cast<int>(count));
  // What it held is with TLS now.
  while (true) {
    // What others left there would count as ours.
    ERR_clear_error();
    const int plain = SSL_read(tls_.get(), received_, sizeof(received_));
    if (plain > 0) {
      QM_RETURN_IF_ERROR(take(received_, static_cast<size_t>(plain)));
      continue;
    }
    if (SSL_get_error(tls_.get(), plain) == SSL_ERROR_WANT_READ) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat("TLS ended: ", TlsErrors()));
  }
}

absl::Status Wire::Write(absl::string_view bytes) {
  if (tls_ == nullptr) {
    unsent_.append(bytes.data(), bytes.size());
  } else if (!bytes.empty() &&
             SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size())) <= 0) {
    return absl::UnavailableError(absl::StrCat("TLS ended: ", TlsErrors()));
  }
  return absl::OkStatus();
}

void Wire::TakeFromTls() {
  BIO* const bio = SSL_get_wbio(tls_.get());
  char* bytes = nullptr;
  const long count = BIO_get_mem_data(bio, &bytes);
  if (count <= 0) return;
  unsent_.append(bytes, static_cast<size_t>(count));
  BIO_reset(bio);
}

absl::Status Wire::Flush() {
  if (tls_ != nullptr) TakeFromTls();
  if (unsent_.empty()) return absl::OkStatus();
  const ssize_t count = ::send(fd(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (count < 0) {
    return errno == EAGAIN || errno == EINTR ? absl::OkStatus() : SystemError("sending");
  }
  unsent_.erase(0, static_cast<size_t>(count));
  return absl::OkStatus();
}

}  // namespace quartermaster::load
