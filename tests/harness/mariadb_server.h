#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/mysql/options.h"
#include "tests/harness/process.h"

namespace quartermaster::testing {

struct MariaDbServerOptions {
  // Holds the data, the log and nothing of anyone else's; made anew. Empty: a private one that goes
  // with the server.
  std::string directory;
  // Where the data lies, if not there: on another disk, say. Filled when it starts, and left.
  std::string data_directory;
  // Also listens on a free port of 127.0.0.1.
  bool listens_on_tcp = false;
  // Added to mariadbd's command line, for instance `--require-secure-transport=ON`.
  std::vector<std::string> flags;
  // False: goes on when this process ends (the fixture).
  bool ends_with_parent = true;
};

// A private MariaDB as this suite asks for: durable, binary log on, strict, utf8mb4, on a socket
// in a short private directory. Its user is `root`, without a password. Runs as root and as a plain
// user. Stopped and cleaned up when it goes. Not thread-safe.
class MariaDbServer {
 public:
  // Makes the data directory and starts the server; returns when it answers.
  static absl::StatusOr<std::unique_ptr<MariaDbServer>> Start(MariaDbServerOptions options = {});
  ~MariaDbServer();
  MariaDbServer(const MariaDbServer&) = delete;
  MariaDbServer& operator=(const MariaDbServer&) = delete;

  // Shuts it down in an orderly way.
  void Stop();
  // Ends it as a crash does.
  void Kill9();
  // Starts it again on the same data, socket and port; stops it before if it runs.
  absl::Status Restart();
  // Holds it still (SIGSTOP): links stay open and nothing is answered.
  void Pause();
  void Resume();

  const std::string& socket() const { return socket_; }
  uint16_t port() const { return port_; }
  const std::string& log_file() const { return log_file_; }
  // Leads to this server by its socket, as `root`, with short timeouts.
  mysql::ConnectionOptions connection_options() const;

  // Leaves it running when this object goes. Returns its process number.
  pid_t LetGo();
  // The directory that holds the socket.
  const std::string& socket_directory() const { return socket_directory_; }

 private:
  explicit MariaDbServer(MariaDbServerOptions options) : options_(std::move(options)) {}
  absl::Status MakeData();
  absl::Status Launch();

  const MariaDbServerOptions options_;
  std::string directory_;
  std::string data_;
  std::string socket_directory_;
  std::string socket_;
  std::string log_file_;
  uint16_t port_ = 0;
  bool is_let_go_ = false;
  std::optional<Process> process_;
};

}  // namespace quartermaster::testing
