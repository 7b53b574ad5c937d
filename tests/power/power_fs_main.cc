// A folder, shown at another place as it is, whose power can be cut.
//
//   qm-power-fs FOLDER PLACE SEED
//
// SIGUSR1 cuts the power: what was not synced is taken back, and the program ends. At SIGUSR2 a
// part of it is left, drawn from the seed. SIGTERM switches off in order: all that was written
// stays. One thread does everything, so that the cut comes between two calls.

#define FUSE_USE_VERSION 314

#include <dirent.h>
#include <fcntl.h>
#include <fuse.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "tests/power/unsynced.h"

namespace quartermaster::testing {
namespace {

constexpr timespec kSyncTime = {.tv_sec = 0, .tv_nsec = 1'000'000};

// Signals come only while this program waits, under that mask.
volatile sig_atomic_t last_signal = 0;
sigset_t waiting_mask;

struct Disk {
  std::string tree;
  Unsynced unsynced;
};

Disk& TheDisk() { return *static_cast<Disk*>(fuse_get_context()->private_data); }

std::string Real(const char* path) { return TheDisk().tree + path; }

int ErrnoUnless(bool succeeded) { return succeeded ? 0 : -errno; }

int FileOf(const fuse_file_info* info) { return static_cast<int>(info->fh); }

// The folder's own files are read and written at the offsets that the kernel names, through its
// cache: the caller's alignment is not ours.
int Flags(const fuse_file_info* info) {
  return (info->flags & ~(O_DIRECT | O_APPEND | O_TRUNC | O_SYNC | O_DSYNC)) | O_CLOEXEC;
}

// A file opened for what is asked of a path.
class OpenFile {
 public:
  OpenFile(const char* path, const fuse_file_info* info)
      : is_own_(info == nullptr),
        file_(is_own_ ? open(Real(path).c_str(), O_RDWR | O_CLOEXEC) : FileOf(info)) {}
  ~OpenFile() {
    if (is_own_ && file_ >= 0) close(file_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int get() const { return file_; }

 private:
  const bool is_own_;
  const int file_;
};

int GetAttributes(const char* path, struct stat* found, fuse_file_info* info) {
  if (info != nullptr) return ErrnoUnless(fstat(FileOf(info), found) == 0);
  return ErrnoUnless(lstat(Real(path).c_str(), found) == 0);
}

int ReadFolder(const char*, void* buffer, fuse_fill_dir_t fill, off_t, fuse_file_info* info,
               fuse_readdir_flags) {
  DIR* const folder = fdopendir(openat(FileOf(info), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder == nullptr) return -errno;
  while (const dirent* const entry = readdir(folder)) {
    fill(buffer, entry->d_name, nullptr, 0, static_cast<fuse_fill_dir_flags>(0));
  }
  closedir(folder);
  return 0;
}

int Keep(fuse_file_info* info, int file) {
  if (file < 0) return file;
  info->fh = static_cast<uint64_t>(file);
  return 0;
}

int Open(const char* path, fuse_file_info* info) {
  const int file = open(Real(path).c_str(), Flags(info));
  return file < 0 ? -errno : Keep(info, file);
}

int Create(const char* path, mode_t mode, fuse_file_info* info) {
  return Keep(info, TheDisk().unsynced.Create(Real(path), Flags(info), mode));
}

int Release(const char*, fuse_file_info* info) { return ErrnoUnless(close(FileOf(info)) == 0); }

int Read(const char*, char* bytes, size_t size, off_t offset, fuse_file_info* info) {
  const ssize_t got = pread(FileOf(info), bytes, size, offset);
  return got < 0 ? -errno : static_cast<int>(got);
}

int Write(const char*, const char* bytes, size_t size, off_t offset, fuse_file_info* info) {
  const int kept = TheDisk().unsynced.WillWrite(FileOf(info), offset, static_cast<off_t>(size));
  if (kept != 0) return kept;
  const ssize_t put = pwrite(FileOf(info), bytes, size, offset);
  return put < 0 ? -errno : static_cast<int>(put);
}

int Truncate(const char* path, off_t size, fuse_file_info* info) {
  const OpenFile file(path, info);
  if (file.get() < 0) return -errno;
  const int kept = TheDisk().unsynced.WillResize(file.get(), size);
  return kept != 0 ? kept : ErrnoUnless(ftruncate(file.get(), size) == 0);
}

// Whatever the mode does to the bytes of the range, they come back.
int Allocate(const char*, int mode, off_t offset, off_t size, fuse_file_info* info) {
  const int kept = TheDisk().unsynced.WillWrite(FileOf(info), offset, mode == 0 ? 0 : size);
  return kept != 0 ? kept : ErrnoUnless(fallocate(FileOf(info), mode, offset, size) == 0);
}

// Of a file or a folder. It takes as long as a disk does, and the power may go meanwhile.
int Sync(const char*, int, fuse_file_info* info) {
  ppoll(nullptr, 0, &kSyncTime, &waiting_mask);
  return last_signal != 0 ? -EIO : TheDisk().unsynced.Sync(FileOf(info));
}

int MakeFolder(const char* path, mode_t mode) {
  return TheDisk().unsynced.MakeFolder(Real(path), mode);
}

int RemoveFile(const char* path) { return TheDisk().unsynced.Remove(Real(path)); }

int RemoveFolder(const char* path) {
  DIR* const folder = opendir(Real(path).c_str());
  if (folder == nullptr) return -errno;
  int entry_count = 0;
  while (readdir(folder) != nullptr) ++entry_count;
  closedir(folder);
  // Beside itself and the one above.
  return entry_count > 2 ? -ENOTEMPTY : TheDisk().unsynced.Remove(Real(path));
}

int Rename(const char* from, const char* to, unsigned int flags) {
  return flags != 0 ? -EINVAL : TheDisk().unsynced.Rename(Real(from), Real(to));
}

int ChangeMode(const char* path, mode_t mode, fuse_file_info*) {
  return ErrnoUnless(chmod(Real(path).c_str(), mode) == 0);
}

int ChangeOwner(const char* path, uid_t user, gid_t group, fuse_file_info*) {
  return ErrnoUnless(lchown(Real(path).c_str(), user, group) == 0);
}

int ChangeTimes(const char* path, const timespec times[2], fuse_file_info*) {
  return ErrnoUnless(utimensat(AT_FDCWD, Real(path).c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

int GetFreeSpace(const char* path, struct statvfs* space) {
  return ErrnoUnless(statvfs(Real(path).c_str(), space) == 0);
}

void* Begin(fuse_conn_info* connection, fuse_config* config) {
  // A truncating open comes as two calls, so that it is seen.
  connection->want &= ~static_cast<unsigned>(FUSE_CAP_ATOMIC_O_TRUNC);
  config->hard_remove = 1;
  config->nullpath_ok = 1;
  config->use_ino = 1;
  return fuse_get_context()->private_data;
}

// From here on the signals that end this program are taken while it waits, and only then.
void HoldSignals() {
  sigset_t ours;
  sigemptyset(&ours);
  for (const int signal : {SIGUSR1, SIGUSR2, SIGTERM, SIGINT}) {
    sigaddset(&ours, signal);
    struct sigaction action = {};
    action.sa_handler = [](int number) { last_signal = number; };
    sigaction(signal, &action, nullptr);
  }
  sigprocmask(SIG_BLOCK, &ours, &waiting_mask);
  // Whoever starts this kills it when it ends itself, and the place would stay, dead.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
}

// Answers calls until a signal comes.
void Serve(fuse_session* session) {
  fuse_buf buffer = {};
  while (last_signal == 0 && !fuse_session_exited(session)) {
    pollfd call = {.fd = fuse_session_fd(session), .events = POLLIN, .revents = 0};
    if (ppoll(&call, 1, nullptr, &waiting_mask) <= 0) continue;
    const int received = fuse_session_receive_buf(session, &buffer);
    if (received == -EINTR) continue;
    if (received <= 0) break;
    fuse_session_process_buf(session, &buffer);
  }
  std::free(buffer.mem);
}

int Run(const std::string& folder, const char* place, uint64_t seed) {
  for (const char* part : {"/tree", "/removed"}) mkdir((folder + part).c_str(), 0700);
  Disk disk = {.tree = folder + "/tree", .unsynced = Unsynced(folder)};
  const fuse_operations operations = {.getattr = GetAttributes,
                                      .mkdir = MakeFolder,
                                      .unlink = RemoveFile,
                                      .rmdir = RemoveFolder,
                                      .rename = Rename,
                                      .chmod = ChangeMode,
                                      .chown = ChangeOwner,
                                      .truncate = Truncate,
                                      .open = Open,
                                      .read = Read,
                                      .write = Write,
                                      .statfs = GetFreeSpace,
                                      .release = Release,
                                      .fsync = Sync,
                                      .opendir = Open,
                                      .readdir = ReadFolder,
                                      .releasedir = Release,
                                      .fsyncdir = Sync,
                                      .init = Begin,
                                      .create = Create,
                                      .utimens = ChangeTimes,
                                      .fallocate = Allocate};
  char name[] = "qm-power-fs";
  char* arguments[] = {name, nullptr};
  fuse_args args = {.argc = 1, .argv = arguments, .allocated = 0};
  HoldSignals();
  fuse* const mounted = fuse_new(&args, &operations, sizeof(operations), &disk);
  if (mounted == nullptr || fuse_mount(mounted, place) != 0) return 1;
  umask(0);
  Serve(fuse_get_session(mounted));
  CutReport report;
  std::mt19937_64 random(seed);
  if (last_signal == SIGUSR1 || last_signal == SIGUSR2) {
    report = disk.unsynced.Cut(/*tears=*/last_signal == SIGUSR2, random);
  }
  fuse_unmount(mounted);
  fuse_destroy(mounted);
  std::printf("%lld %lld %lld %lld\n", static_cast<long long>(report.blocks_dropped),
              static_cast<long long>(report.blocks_kept),
              static_cast<long long>(report.changes_undone),
              static_cast<long long>(report.changes_kept));
  return 0;
}

}  // namespace
}  // namespace quartermaster::testing

int main(int count, char** arguments) {
  if (count != 4) {
    std::fprintf(stderr, "qm-power-fs FOLDER PLACE SEED\n");
    return 2;
  }
  return quartermaster::testing::Run(arguments[1], arguments[2],
                                     std::strtoull(arguments[3], nullptr, 10));
}
