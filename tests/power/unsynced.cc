#include "tests/power/unsynced.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

namespace quartermaster::testing {
namespace {

ino_t NumberOf(const std::string& path) {
  struct stat found = {};
  return lstat(path.c_str(), &found) == 0 ? found.st_ino : 0;
}

ino_t FolderOf(const std::string& path) { return NumberOf(path.substr(0, path.rfind('/'))); }

// Half a power cut proves nothing.
void MustSucceed(bool succeeded, const char* what) {
  if (succeeded) return;
  std::perror(what);
  std::abort();
}

}  // namespace

Unsynced::Unsynced(std::string folder) : removed_folder_(std::move(folder) + "/removed") {}

Unsynced::File* Unsynced::Changing(int file) {
  struct stat found = {};
  if (fstat(file, &found) != 0) return nullptr;
  const auto known = files_.find(found.st_ino);
  if (known != files_.end()) return &known->second;
  // Opened anew: the caller's may be closed, or open for reading alone, when the power goes.
  const int own = open(("/proc/self/fd/" + std::to_string(file)).c_str(), O_RDWR | O_CLOEXEC);
  if (own < 0) return nullptr;
  return &files_.emplace(found.st_ino, File{.file = own, .durable_size = found.st_size})
              .first->second;
}

int Unsynced::Keep(File& file, off_t offset, off_t end) {
  for (off_t number = offset / kBlockBytes; number * kBlockBytes < end; ++number) {
    const auto [block, is_new] = file.blocks_before.try_emplace(number);
    if (!is_new || number * kBlockBytes >= file.durable_size) continue;
    std::string& before = block->second;
    before.resize(kBlockBytes);
    const ssize_t got = pread(file.file, before.data(), kBlockBytes, number * kBlockBytes);
    if (got < 0) return -errno;
    before.resize(static_cast<size_t>(got));
  }
  return 0;
}

int Unsynced::WillWrite(int file, off_t offset, off_t size) {
  File* const changing = Changing(file);
  return changing == nullptr ? -errno : Keep(*changing, offset, offset + size);
}

int Unsynced::WillResize(int file, off_t size) {
  File* const changing = Changing(file);
  // What is cut off was there; what is added was not.
  return changing == nullptr ? -errno : Keep(*changing, size, changing->durable_size);
}

int Unsynced::Create(const std::string& path, int flags, mode_t mode) {
  const int file = open(path.c_str(), flags | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0) return -errno;
  changes_.push_back({.concerns = {NumberOf(path), FolderOf(path)},
                      .undo = [path] { MustSucceed(unlink(path.c_str()) == 0, path.c_str()); }});
  return file;
}

int Unsynced::MakeFolder(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) != 0) return -errno;
  changes_.push_back({.concerns = {NumberOf(path), FolderOf(path)},
                      .undo = [path] { MustSucceed(rmdir(path.c_str()) == 0, path.c_str()); }});
  return 0;
}

int Unsynced::PutAside(const std::string& path, std::string& aside) {
  aside = removed_folder_ + "/" + std::to_string(++removed_count_);
  return rename(path.c_str(), aside.c_str()) == 0 ? 0 : -errno;
}

int Unsynced::Rename(const std::string& from, const std::string& to) {
  Change change = {.concerns = {NumberOf(from), FolderOf(from), FolderOf(to)}};
  if (change.concerns.contains(0)) return -ENOENT;
  if (NumberOf(to) != 0) {
    const int aside = PutAside(to, change.removed);
    if (aside != 0) return aside;
  }
  MustSucceed(rename(from.c_str(), to.c_str()) == 0, to.c_str());
  change.undo = [from, to, replaced = change.removed] {
    MustSucceed(rename(to.c_str(), from.c_str()) == 0, from.c_str());
    if (replaced.empty()) return;
    MustSucceed(rename(replaced.c_str(), to.c_str()) == 0, to.c_str());
  };
  changes_.push_back(std::move(change));
  return 0;
}

int Unsynced::Remove(const std::string& path) {
  Change change = {.concerns = {NumberOf(path), FolderOf(path)}};
  const int aside = PutAside(path, change.removed);
  if (aside != 0) return aside;
  change.undo = [path, removed = change.removed] {
    MustSucceed(rename(removed.c_str(), path.c_str()) == 0, path.c_str());
  };
  changes_.push_back(std::move(change));
  return 0;
}

void Unsynced::Forget(const Change& change) {
  if (change.removed.empty()) return;
  const auto file = files_.find(NumberOf(change.removed));
  if (file != files_.end()) {
    close(file->second.file);
    files_.erase(file);
  }
  MustSucceed(std::remove(change.removed.c_str()) == 0, change.removed.c_str());
}

int Unsynced::Sync(int file) {
  struct stat found = {};
  if (fstat(file, &found) != 0) return -errno;
  const auto changed = files_.find(found.st_ino);
  if (changed != files_.end()) {
    close(changed->second.file);
    files_.erase(changed);
  }
  const auto last = std::find_if(changes_.rbegin(), changes_.rend(), [&](const Change& change) {
    return change.concerns.contains(found.st_ino);
  });
  for (auto change = changes_.begin(); change != last.base();) {
    Forget(*change);
    change = changes_.erase(change);
  }
  return 0;
}

void Unsynced::CutFile(File& file, bool tears, std::mt19937_64& random, CutReport& report) {
  struct stat now = {};
  MustSucceed(fstat(file.file, &now) == 0, "fstat");
  const off_t longest = std::max(now.st_size, file.durable_size);
  MustSucceed(ftruncate(file.file, longest) == 0, "ftruncate");
  for (auto& [number, before] : file.blocks_before) {
    const off_t offset = number * kBlockBytes;
    if (tears && random() % 2 == 0) {
      ++report.blocks_kept;
      continue;
    }
    ++report.blocks_dropped;
    if (offset >= longest) continue;
    before.resize(static_cast<size_t>(std::min(kBlockBytes, longest - offset)));
    MustSucceed(pwrite(file.file, before.data(), before.size(), offset) ==
                    static_cast<ssize_t>(before.size()),
                "pwrite");
  }
  const bool keeps_size = tears && random() % 2 == 0;
  MustSucceed(ftruncate(file.file, keeps_size ? now.st_size : file.durable_size) == 0, "ftruncate");
  close(file.file);
}

CutReport Unsynced::Cut(bool tears, std::mt19937_64& random) {
  CutReport report;
  for (auto& [number, file] : files_) CutFile(file, tears, random, report);
  files_.clear();
  report.changes_kept = tears ? static_cast<int64_t>(random() % (changes_.size() + 1)) : 0;
  report.changes_undone = static_cast<int64_t>(changes_.size()) - report.changes_kept;
  for (int64_t i = 0; i < report.changes_undone; ++i) {
    changes_.back().undo();
    changes_.pop_back();
  }
  for (const Change& change : changes_) Forget(change);
  changes_.clear();
  return report;
}

}  // namespace quartermaster::testing
