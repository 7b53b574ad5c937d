#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/harness/endpoint.h"
#include "tests/load/target.h"

namespace quartermaster::load {

// Bytes to and from a server, in the clear or by TLS, in few system calls: one for all that is
// written between two flushes, one for what has come. Never waits once it is open.
//
// Not thread-safe.
class Wire {
 public:
  // Connects and, where asked for, agrees on TLS and HTTP/2; the server's certificate must be good
  // for 127.0.0.1. DEADLINE_EXCEEDED at `deadline`, UNAVAILABLE if nobody listens or TLS fails,
  // INVALID_ARGUMENT for files that cannot be used.
  static absl::StatusOr<std::unique_ptr<Wire>> Open(const Target& target, absl::Time deadline);

  // Hands on what has come, maybe nothing. UNAVAILABLE when the server has closed the connection;
  // what came before was handed on.
  absl::Status Read(absl::FunctionRef<absl::Status(const uint8_t* bytes, size_t count)> take);

  // Keeps `bytes` for the next flush.
  absl::Status Write(absl::string_view bytes);
  // Sends what the server takes now; the rest stays. UNAVAILABLE when the connection is closed.
  absl::Status Flush();

  // For poll(): the socket, and whether there is something left to flush.
  int fd() const { return socket_.get(); }
  bool has_unsent() const { return !unsent_.empty(); }

 private:
  struct Free {
    void operator()(SSL* tls) const { SSL_free(tls); }
  };

  Wire() = default;
  absl::Status Connect(const std::string& address, absl::Time deadline);
  absl::Status StartTls(const Target& target);
  absl::Status Handshake(absl::Time deadline);
  absl::Status Await(short events, absl::Time deadline) const;
  // Returns how many bytes came into `received_`, 0 for none.
  absl::StatusOr<size_t> Receive();
  void TakeFromTls();

  testing::Descriptor socket_;
  // Null in the clear. It reads from and writes to memory.
  std::unique_ptr<SSL, Free> tls_;
  std::string unsent_;
  uint8_t received_[64 * 1024];
};

}  // namespace quartermaster::load
