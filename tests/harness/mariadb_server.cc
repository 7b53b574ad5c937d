#include "tests/harness/mariadb_server.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/connection.h"

namespace quartermaster::testing {
namespace {

constexpr absl::Duration kStartMax = absl::Seconds(60);
constexpr absl::Duration kStopMax = absl::Seconds(30);

// mariadbd refuses to run as root unless it is told to.
std::vector<std::string> UserFlag() {
  if (geteuid() == 0) return {"--user=root"};
  return {};
}

// A server that starts removes every temporary table of the folder that it keeps them in, so none
// shares its folder with another server.
std::string MakeTemporaryFolder(const std::string& data) {
  std::string folder = absl::StrCat(data, ".tmp");
  std::filesystem::create_directories(folder);
  return folder;
}

absl::Status InstallDatabase(const std::string& data) {
  ProcessOptions install{.program = "mariadb-install-db",
                         .arguments = {"--no-defaults", absl::StrCat("--datadir=", data),
                                       absl::StrCat("--tmpdir=", MakeTemporaryFolder(data)),
                                       "--auth-root-authentication-method=normal", "--skip-test-db",
                                       "--innodb-log-file-size=8M"},
                         .log_file = absl::StrCat(data, ".install.log")};
  for (const std::string& flag : UserFlag()) install.arguments.push_back(flag);
  return RunProgram(install, absl::Now() + kStartMax);
}

absl::Status CopyTree(const std::string& from, const std::string& to) {
  return RunProgram({.program = "cp", .arguments = {"-a", "--reflink=auto", from, to}},
                    absl::Now() + kStartMax);
}

}  // namespace

absl::StatusOr<std::unique_ptr<MariaDbServer>> MariaDbServer::Start(MariaDbServerOptions options) {
  auto server = std::unique_ptr<MariaDbServer>(new MariaDbServer(std::move(options)));
  QM_RETURN_IF_ERROR(server->MakeData());
  QM_RETURN_IF_ERROR(server->Launch());
  return server;
}

MariaDbServer::~MariaDbServer() {
  if (is_let_go_) return;
  Resume();
  Kill9();
  RemoveTree(directory_);
  RemoveTree(socket_directory_);
}

absl::Status MariaDbServer::MakeData() {
  QM_ASSIGN_OR_RETURN(socket_directory_, MakeShortDirectory());
  directory_ =
      options_.directory.empty() ? absl::StrCat(socket_directory_, "/d") : options_.directory;
  socket_ = absl::StrCat(socket_directory_, "/s");
  log_file_ = absl::StrCat(directory_, "/mariadbd.log");
  RemoveTree(directory_);
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (error) return absl::InternalError(absl::StrCat(directory_, ": ", error.message()));
  if (options_.listens_on_tcp) {
    QM_ASSIGN_OR_RETURN(port_, FindFreePort());
  }
  data_ =
      options_.data_directory.empty() ? absl::StrCat(directory_, "/data") : options_.data_directory;
  // The same for every server of a build, and slow to make: made once, then copied.
  const char* build = std::getenv("QM_TEST_BUILD_DIR");
  if (build == nullptr) return InstallDatabase(data_);
  const std::string original = absl::StrCat(build, "/tests/mariadb-original");
  if (!std::filesystem::exists(original)) {
    QM_RETURN_IF_ERROR(InstallDatabase(data_));
    const std::string draft = absl::StrCat(original, "-", getpid());
    QM_RETURN_IF_ERROR(CopyTree(data_, draft));
    std::filesystem::rename(draft, original, error);
    // Somebody was quicker.
    if (error) RemoveTree(draft);
    return absl::OkStatus();
  }
  return CopyTree(original, data_);
}

absl::Status MariaDbServer::Launch() {
  ProcessOptions launch{
      .program = "mariadbd",
      .arguments = {"--no-defaults", absl::StrCat("--datadir=", data_),
                    absl::StrCat("--tmpdir=", MakeTemporaryFolder(data_)),
                    absl::StrCat("--socket=", socket_),
                    absl::StrCat("--pid-file=", directory_, "/pid"),
                    "--innodb-flush-log-at-trx-commit=1", "--innodb-log-file-size=96M",
                    "--innodb-buffer-pool-size=256M", "--skip-name-resolve",
                    "--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin",
                    "--performance-schema=OFF", "--log-bin=binlog", "--binlog-format=ROW",
                    "--sync-binlog=1", "--server-id=1", "--max-connections=500"},
      .log_file = log_file_,
      .ends_with_parent = options_.ends_with_parent};
  if (port_ != 0) {
    launch.arguments.push_back("--bind-address=127.0.0.1");
    launch.arguments.push_back(absl::StrCat("--port=", port_));
  } else {
    launch.arguments.push_back("--skip-networking");
  }
  for (const std::string& flag : UserFlag()) launch.arguments.push_back(flag);
  for (const std::string& flag : options_.flags) launch.arguments.push_back(flag);
  QM_ASSIGN_OR_RETURN(process_, Process::Start(launch));

  absl::Status last = absl::OkStatus();
  const bool is_ready = WaitUntil(absl::Now() + kStartMax, [&] {
    if (!process_->is_running()) return true;
    last = mysql::Connection::Open(connection_options()).status();
    return last.ok();
  });
  if (!process_->is_running()) {
    return absl::InternalError(absl::StrCat("mariadbd ended at once; see ", log_file_));
  }
  if (!is_ready)
    return absl::InternalError(absl::StrCat("mariadbd does not answer: ", last.message()));
  return absl::OkStatus();
}

void MariaDbServer::Stop() {
  if (process_.has_value()) process_->Stop(absl::Now() + kStopMax);
}

void MariaDbServer::Kill9() {
  if (process_.has_value()) process_->Kill();
}

absl::Status MariaDbServer::Restart() {
  Stop();
  return Launch();
}

void MariaDbServer::Pause() {
  if (process_.has_value()) process_->Signal(SIGSTOP);
}

void MariaDbServer::Resume() {
  if (process_.has_value()) process_->Signal(SIGCONT);
}

mysql::ConnectionOptions MariaDbServer::connection_options() const {
  mysql::ConnectionOptions options;
  options.unix_socket = socket_;
  options.user = "root";
  options.connect_timeout = absl::Seconds(5);
  return options;
}

pid_t MariaDbServer::LetGo() {
  is_let_go_ = true;
  return process_.has_value() ? process_->LetGo() : 0;
}

}  // namespace quartermaster::testing
