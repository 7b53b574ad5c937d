#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace quartermaster::testing {

struct ProcessOptions {
  // Looked up in PATH and in /usr/sbin unless it holds a slash.
  std::string program;
  std::vector<std::string> arguments;
  // Added to this process's environment.
  std::map<std::string, std::string> environment;
  // Takes what it prints, behind what is in there already; empty: nowhere.
  std::string log_file;
  // False: goes on when this process ends, as a daemon of its own session.
  bool ends_with_parent = true;
};

// A child process. Killed when this object goes, unless it was let go; and by the kernel when this
// process ends, however it ends, unless it was started to go on. Not thread-safe.
class Process {
 public:
  static absl::StatusOr<Process> Start(const ProcessOptions& options);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  pid_t pid() const { return pid_; }
  bool is_running();

  // Sends a signal, if the process is still there.
  void Signal(int signal);
  // Waits until it ends and returns its exit status, 128 + n if signal n ended it; nothing if
  // `deadline` comes first.
  std::optional<int> Wait(absl::Time deadline);
  // Kills it with SIGKILL and waits for its end.
  void Kill();
  // Asks it to end with SIGTERM, and kills it at `deadline`. Returns what `Wait` does, or 137.
  int Stop(absl::Time deadline);
  // Leaves it running when this object goes; returns its number.
  pid_t LetGo();

 private:
  explicit Process(pid_t pid) : pid_(pid) {}
  bool Reap(bool block);

  // 0 when there is none.
  pid_t pid_ = 0;
  std::optional<int> exit_status_;
};

// Runs a program to its end; an error with the tail of its output unless it exits with 0 in time.
absl::Status RunProgram(const ProcessOptions& options, absl::Time deadline);

// Returns a TCP port on 127.0.0.1 that nobody listened on a moment ago.
absl::StatusOr<uint16_t> FindFreePort();

// Makes a directory that only this user can enter, with a name short enough for sockets (the kernel
// takes 107 bytes of path).
absl::StatusOr<std::string> MakeShortDirectory();

// Removes a directory with all it holds; nothing happens if it is not there.
void RemoveTree(const std::string& path);

// Calls `condition` until it is true or `deadline` comes; returns whether it was. The one place
// where tests wait.
bool WaitUntil(absl::Time deadline, const std::function<bool()>& condition);

}  // namespace quartermaster::testing
