#include "tests/harness/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/check.h"
#include "platform/base/mutex.h"
#include "platform/base/status_macros.h"

extern char** environ;

namespace quartermaster::testing {
namespace {

absl::Status SystemError(absl::string_view what, int error) {
  return absl::InternalError(absl::StrCat(what, ": ", std::strerror(error)));
}

// The environment of this process with `added` in front: the first of a name counts for some
// programs, the last for others, so the old ones are left out.
std::vector<std::string> EnvironmentWith(const std::map<std::string, std::string>& added) {
  std::vector<std::string> environment;
  for (const auto& [name, value] : added) environment.push_back(absl::StrCat(name, "=", value));
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!added.contains(text.substr(0, text.find('=')))) environment.push_back(text);
  }
  return environment;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Daemons such as mariadbd live where a plain user's PATH does not look.
std::string Locate(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  const std::string in_sbin = absl::StrCat("/usr/sbin/", program);
  return access(in_sbin.c_str(), X_OK) == 0 ? in_sbin : program;
}

// Runs `work` on a thread that lives as long as this process. The kernel ends a child with the
// *thread* that started it: a test's own threads come and go.
void RunOnLastingThread(absl::FunctionRef<void()> work) {
  struct Spawner {
    base::Mutex mutex;
    base::CondVar changed;
    const absl::FunctionRef<void()>* work ABSL_GUARDED_BY(mutex) = nullptr;

    void AwaitWork() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      while (work == nullptr) changed.Wait(&mutex);
    }
    void AwaitEnd() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      while (work != nullptr) changed.Wait(&mutex);
    }
  };
  static Spawner* const spawner = [] {
    auto* const made = new Spawner;
    std::thread([made] {
      base::MutexLock lock(&made->mutex);
      while (true) {
        made->AwaitWork();
        (*made->work)();
        made->work = nullptr;
        made->changed.SignalAll();
      }
    }).detach();
    return made;
  }();
  static base::Mutex* const turn = new base::Mutex;
  base::MutexLock one_at_a_time(turn);
  base::MutexLock lock(&spawner->mutex);
  spawner->work = &work;
  spawner->changed.SignalAll();
  spawner->AwaitEnd();
}

}  // namespace

absl::StatusOr<Process> Process::Start(const ProcessOptions& options) {
  std::vector<std::string> arguments;
  // `setpriv` asks the kernel to kill the child with its parent and then becomes the program.
  if (options.ends_with_parent) arguments = {"setpriv", "--pdeathsig", "KILL", "--"};
  arguments.push_back(Locate(options.program));
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> environment = EnvironmentWith(options.environment);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  const char* output = options.log_file.empty() ? "/dev/null" : options.log_file.c_str();
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  // CTest waits for whoever holds its pipes: a daemon must not keep any.
  posix_spawn_file_actions_addclosefrom_np(&files, 3);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  if (!options.ends_with_parent) posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);

  pid_t pid = 0;
  int error = 0;
  RunOnLastingThread([&] {
    error = posix_spawnp(&pid, arguments[0].c_str(), &files, &attributes,
                         Pointers(arguments).data(), Pointers(environment).data());
  });
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) return SystemError(absl::StrCat("cannot start ", options.program), error);
  return Process(pid);
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), exit_status_(other.exit_status_) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    Kill();
    pid_ = std::exchange(other.pid_, 0);
    exit_status_ = other.exit_status_;
  }
  return *this;
}

Process::~Process() { Kill(); }

bool Process::Reap(bool block) {
  if (pid_ == 0 || exit_status_.has_value()) return true;
  int state = 0;
  pid_t ended = 0;
  do {
    ended = waitpid(pid_, &state, block ? 0 : WNOHANG);
  } while (ended < 0 && errno == EINTR);
  if (ended != pid_) return false;
  exit_status_ = WIFSIGNALED(state) ? 128 + WTERMSIG(state) : WEXITSTATUS(state);
  return true;
}

bool Process::is_running() { return pid_ != 0 && !Reap(/*block=*/false); }

void Process::Signal(int signal) {
  if (is_running()) kill(pid_, signal);
}

std::optional<int> Process::Wait(absl::Time deadline) {
  WaitUntil(deadline, [&] { return Reap(/*block=*/false); });
  return exit_status_;
}

void Process::Kill() {
  if (!is_running()) return;
  kill(pid_, SIGKILL);
  Reap(/*block=*/true);
}

int Process::Stop(absl::Time deadline) {
  Signal(SIGTERM);
  if (!Wait(deadline).has_value()) Kill();
  return exit_status_.value_or(0);
}

pid_t Process::LetGo() { return std::exchange(pid_, 0); }

absl::Status RunProgram(const ProcessOptions& options, absl::Time deadline) {
  QM_ASSIGN_OR_RETURN(Process process, Process::Start(options));
  const std::optional<int> status = process.Wait(deadline);
  if (status == 0) return absl::OkStatus();
  std::ifstream log(options.log_file);
  const std::string output((std::istreambuf_iterator<char>(log)), std::istreambuf_iterator<char>());
  return absl::InternalError(
      absl::StrCat(options.program,
                   status.has_value() ? absl::StrCat(" ended with ", *status) : " took too long",
                   ": ", output.substr(output.size() - std::min<size_t>(output.size(), 2000))));
}

absl::StatusOr<uint16_t> FindFreePort() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool is_bound = listener >= 0 &&
                        bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                        getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  const int error = errno;
  if (listener >= 0) close(listener);
  if (!is_bound) return SystemError("no free port", error);
  return ntohs(address.sin_port);
}

absl::StatusOr<std::string> MakeShortDirectory() {
  std::string path = "/tmp/qm-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) return SystemError("cannot make a directory", errno);
  return path;
}

void RemoveTree(const std::string& path) {
  QM_CHECK(path.size() > 1);
  std::error_code error;
  std::filesystem::remove_all(path, error);
}

bool WaitUntil(absl::Time deadline, const std::function<bool()>& condition) {
  while (!condition()) {
    if (absl::Now() >= deadline) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

}  // namespace quartermaster::testing
