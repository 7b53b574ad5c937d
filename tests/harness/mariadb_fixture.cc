// Starts and stops the private MariaDB that the database tests of one CTest run share.

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"
#include "tests/harness/fixture_state.h"
#include "tests/harness/mariadb_server.h"

namespace quartermaster::testing {
namespace {

// Tells whether the process is still the server of that socket, and not a stranger who got its
// number after it was gone.
bool IsOurs(const FixtureState& state) {
  std::ifstream file(absl::StrCat("/proc/", state.pid, "/cmdline"));
  const std::string command((std::istreambuf_iterator<char>(file)),
                            std::istreambuf_iterator<char>());
  return absl::StrContains(command, state.socket);
}

absl::Status Stop() {
  const absl::StatusOr<FixtureState> state = ReadFixtureState();
  if (absl::IsNotFound(state.status())) return absl::OkStatus();
  QM_RETURN_IF_ERROR(state.status());
  if (IsOurs(*state)) {
    // It may have been left paused, and its data is not kept.
    kill(state->pid, SIGKILL);
    if (!WaitUntil(absl::Now() + absl::Seconds(20), [&] { return !IsOurs(*state); })) {
      return absl::InternalError(absl::StrCat("process ", state->pid, " does not end"));
    }
  }
  RemoveTree(state->socket_directory);
  RemoveFixtureState();
  QM_ASSIGN_OR_RETURN(const std::string directory, FixtureDirectory());
  RemoveTree(absl::StrCat(directory, "/data"));
  return absl::OkStatus();
}

absl::Status Start() {
  QM_RETURN_IF_ERROR(Stop());
  QM_ASSIGN_OR_RETURN(const std::string directory, FixtureDirectory());
  QM_ASSIGN_OR_RETURN(const std::unique_ptr<MariaDbServer> server,
                      MariaDbServer::Start({.directory = directory, .ends_with_parent = false}));
  const std::string socket = server->socket();
  const std::string socket_directory = server->socket_directory();
  return WriteFixtureState({server->LetGo(), socket, socket_directory});
}

int Main(int argc, char** argv) {
  const std::string verb = argc == 2 ? argv[1] : "";
  if (verb != "start" && verb != "stop") {
    std::fprintf(stderr, "usage: mariadb_fixture start|stop\n");
    return 2;
  }
  const absl::Status done = verb == "start" ? Start() : Stop();
  if (done.ok()) return 0;
  std::fprintf(stderr, "mariadb_fixture %s: %s\n", verb.c_str(),
               std::string(done.message()).c_str());
  return 1;
}

}  // namespace
}  // namespace quartermaster::testing

int main(int argc, char** argv) { return quartermaster::testing::Main(argc, argv); }
