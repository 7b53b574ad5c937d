#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace quartermaster::mysql {

// A password. Cannot be printed, compared or formatted by accident; only `Reveal` gives it away.
class Password {
 public:
  Password() = default;
  explicit Password(std::string text) : text_(std::move(text)) {}

  const std::string& Reveal() const { return text_; }

  friend std::ostream& operator<<(std::ostream&, const Password&) = delete;

 private:
  std::string text_;
};

// Where a database is and how to talk to it.
struct ConnectionOptions {
  // Path of a unix socket; takes the place of host and port.
  std::string unix_socket;
  std::string host;
  uint16_t port = 3306;
  std::string user;
  Password password;
  // Empty: none is selected.
  std::string database;

  // PEM files. With `ssl_ca` the link is encrypted and the server's certificate and name are
  // verified; without it only a unix socket or a loopback address is accepted.
  std::string ssl_ca;
  // Our own certificate, when the server asks for one.
  std::string ssl_certificate;
  std::string ssl_key;

  // Whole seconds, as the connector knows no less; at least one.
  absl::Duration connect_timeout = absl::Seconds(5);
  // The longest silence of the server in the middle of a statement. When it is over the connection
  // is closed and, if that was during COMMIT, the outcome is looked up.
  absl::Duration read_timeout = absl::Seconds(30);
  // How long a statement waits for another transaction's row lock.
  absl::Duration lock_wait_timeout = absl::Seconds(1);
  // How long a transaction may stay open between two of its statements: then the server ends the
  // session, and what it has locked is free. Ours take milliseconds; one that takes seconds belongs
  // to a process that stands still, and others must not wait for it to go on. MariaDB only: on
  // MySQL it lasts as long as the session.
  absl::Duration transaction_idle_max = absl::Seconds(5);
  // Prepared statements kept for reuse; the least recently used one goes first.
  size_t statement_cache_size_max = 128;

  // Further options of Connector/C++ by its own names. Only those of a short list are taken: the
  // connector ignores what it does not know, and some of what it knows does not work.
  std::map<std::string, std::string> connector_options;
};

// Refuses options that would open an unsafe connection or mean something else than they say:
// INVALID_ARGUMENT, with the option's name.
absl::Status CheckOptions(const ConnectionOptions& options);

}  // namespace quartermaster::mysql
