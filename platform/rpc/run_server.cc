#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "platform/base/check.h"
#include "platform/rpc/server.h"

namespace quartermaster::rpc {
namespace {

constexpr int kExitCannotStart = 1;
constexpr int kExitWrongSettings = 78;  // EX_CONFIG

// Written by the signal handler, which may do nothing else.
int shutdown_event = -1;

void AskForShutdown(int) {
  const int saved_errno = errno;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(shutdown_event, &one, sizeof(one));
  errno = saved_errno;
}

// Must run before the server does, so that no signal is missed.
void ListenForSignals() {
  shutdown_event = eventfd(0, EFD_CLOEXEC);
  QM_CHECK(shutdown_event >= 0);
  struct sigaction action = {};
  action.sa_handler = AskForShutdown;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  QM_CHECK(sigaction(SIGTERM, &action, nullptr) == 0);
  QM_CHECK(sigaction(SIGINT, &action, nullptr) == 0);
  // A peer that has gone shows as an error of the write.
  std::signal(SIGPIPE, SIG_IGN);
}

void WaitForSignal() {
  uint64_t count;
  while (read(shutdown_event, &count, sizeof(count)) < 0) QM_CHECK(errno == EINTR);
}

}  // namespace

int RunServer(const ServerOptions& options, const ServerParts& parts) {
  ListenForSignals();
  {
    const absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(options, parts);
    if (!server.ok()) {
      log::Error("cannot start", {{"why", server.status().message()}});
      log::Stop();
      std::fprintf(stderr, "%s: %s\n", options.program.c_str(),
                   std::string(server.status().message()).c_str());
      return kExitCannotStart;
    }
    WaitForSignal();
    (*server)->Drain();
  }
  log::Stop();
  return 0;
}

std::optional<int> StartProgram(int argc, char** argv, const config::Settings& settings,
                                const ServerOptions& options) {
  for (int i = 1; i < argc; ++i) {
    const absl::string_view argument = argv[i];
    if (argument == "--print-settings") {
      std::fputs(settings.PrintSettings().c_str(), stdout);
      return 0;
    }
    if (argument == "--version") {
      std::printf("%s %s\n", options.program.c_str(), QM_VERSION);
      return 0;
    }
  }
  // Debian's Abseil is built to look for deadlocks at every lock of gRPC's, for a tenth of the
  // program's time. Tests go on doing so.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  absl::Status status = settings.Check();
  log::Options log_options = options.log;
  log_options.service = options.program;
  if (status.ok()) status = log::Start(log_options);
  if (!status.ok()) {
    std::fprintf(stderr, "%s: %s\n", options.program.c_str(),
                 std::string(status.message()).c_str());
    return kExitWrongSettings;
  }
  if (const std::vector<std::string> unknown = settings.UnknownVariables(); !unknown.empty()) {
    log::Warning("unknown settings", {{"variables", absl::StrJoin(unknown, ", ")}});
  }
  return std::nullopt;
}

}  // namespace quartermaster::rpc
