#include "tests/power/power_disk.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"

namespace quartermaster::testing {
namespace {

absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

dev_t DiskOf(const std::string& path) {
  struct stat found = {};
  return stat(path.c_str(), &found) == 0 ? found.st_dev : 0;
}

bool SyncOne(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool is_synced = file >= 0 && fsync(file) == 0;
  if (file >= 0) close(file);
  return is_synced;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PowerDisk>> PowerDisk::Start(uint64_t seed) {
  if (access("/dev/fuse", R_OK | W_OK) != 0) {
    return absl::UnavailableError(
        "there is no /dev/fuse here that this user may open: load the kernel's module fuse, or "
        "give "
        "the container that device and CAP_SYS_ADMIN");
  }
  auto disk = std::unique_ptr<PowerDisk>(new PowerDisk(seed));
  QM_ASSIGN_OR_RETURN(disk->directory_, MakeShortDirectory());
  disk->folder_ = disk->directory_ + "/disk";
  disk->log_file_ = disk->directory_ + "/log";
  for (const std::string& folder : {disk->folder_, disk->directory_ + "/behind"}) {
    std::filesystem::create_directories(folder);
  }
  QM_RETURN_IF_ERROR(disk->SwitchOn());
  return disk;
}

PowerDisk::~PowerDisk() {
  if (process_.has_value()) process_->Stop(Soon());
  // Never through a place that is still mounted.
  if (DiskOf(folder_) == DiskOf(directory_)) RemoveTree(directory_);
}

absl::Status PowerDisk::SwitchOn() {
  const char* build = std::getenv("QM_TEST_BUILD_DIR");
  QM_ASSIGN_OR_RETURN(
      process_,
      Process::Start(
          {.program = absl::StrCat(build == nullptr ? "." : build, "/tests/power/qm-power-fs"),
           .arguments = {directory_ + "/behind", folder_, absl::StrCat(seed_++)},
           .log_file = log_file_}));
  const bool is_mounted = WaitUntil(
      Soon(), [&] { return !process_->is_running() || DiskOf(folder_) != DiskOf(directory_); });
  if (is_mounted && process_->is_running()) return absl::OkStatus();
  std::ifstream log(log_file_);
  const std::string said((std::istreambuf_iterator<char>(log)), std::istreambuf_iterator<char>());
  return absl::UnavailableError(absl::StrCat("cannot mount ", folder_, ": ", said));
}

absl::StatusOr<PowerCut> PowerDisk::Cut(Loss loss) {
  std::filesystem::resize_file(log_file_, 0);
  process_->Signal(loss == Loss::kAll ? SIGUSR1 : SIGUSR2);
  const std::optional<int> exit_status = process_->Wait(Soon());
  PowerCut cut;
  std::ifstream log(log_file_);
  if (exit_status != 0 ||
      !(log >> cut.blocks_dropped >> cut.blocks_kept >> cut.changes_undone >> cut.changes_kept)) {
    return absl::InternalError("the file system did not say how the power cut went");
  }
  QM_RETURN_IF_ERROR(SwitchOn());
  return cut;
}

absl::Status PowerDisk::SyncAll() {
  bool is_synced = SyncOne(folder_);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
    if (entry.is_regular_file() || entry.is_directory()) {
      is_synced = SyncOne(entry.path()) && is_synced;
    }
  }
  return is_synced ? absl::OkStatus() : absl::InternalError("cannot sync " + folder_);
}

}  // namespace quartermaster::testing
