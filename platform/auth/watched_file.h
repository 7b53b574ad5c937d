#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "platform/base/mutex.h"
#include "platform/base/status_macros.h"

namespace quartermaster::auth {

// What tells one version of a file from the next.
struct FileStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = 0;
  int64_t modified_nanos = 0;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// Returns the stamp of the file that `path` leads to. NOT_FOUND if there is none.
absl::StatusOr<FileStamp> ReadFileStamp(const std::string& path);
// Reads a whole file. NOT_FOUND, or INVALID_ARGUMENT beyond `bytes_max`; both name the path.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t bytes_max);

// A file of keys or names that may be replaced while we run, parsed into a `T`.
//
// A version that cannot be read or parsed changes nothing: the last good one stays in force, and
// `on_problem` is told once per broken version. Thread-safe.
template <typename T>
class WatchedFile {
 public:
  struct Options {
    std::string path;
    size_t bytes_max = 65536;
    // The file is looked at no more often than this.
    absl::Duration check_interval = absl::Seconds(5);
    std::function<absl::StatusOr<T>(absl::string_view text)> parse;
    // Runs while others wait; must be quick. May be empty.
    std::function<void(const absl::Status&)> on_problem;
  };

  // Fails, naming the path, if the first version is not good.
  static absl::StatusOr<std::unique_ptr<WatchedFile>> Open(Options options) {
    auto file = std::unique_ptr<WatchedFile>(new WatchedFile(std::move(options)));
    base::MutexLock lock(&file->mutex_);
    QM_ASSIGN_OR_RETURN(file->stamp_, ReadFileStamp(file->options_.path));
    QM_RETURN_IF_ERROR(file->Load());
    return file;
  }

  // Returns the version in force.
  std::shared_ptr<const T> Current(absl::Time now) {
    base::MutexLock lock(&mutex_);
    if (now < next_check_time_) return value_;
    next_check_time_ = now + options_.check_interval;
    // Stamped before it is read: if it changes meanwhile, the next look reads it again.
    const absl::StatusOr<FileStamp> stamp = ReadFileStamp(options_.path);
    const FileStamp seen = stamp.ok() ? *stamp : FileStamp{};
    if (seen == stamp_) return value_;
    stamp_ = seen;
    const absl::Status loaded = stamp.ok() ? Load() : stamp.status();
    if (!loaded.ok() && options_.on_problem) options_.on_problem(loaded);
    return value_;
  }

 private:
  explicit WatchedFile(Options options) : options_(std::move(options)) {}

  absl::Status Load() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    QM_ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(options_.path, options_.bytes_max));
    absl::StatusOr<T> parsed = options_.parse(text);
    if (!parsed.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(options_.path, ": ", parsed.status().message()));
    }
    value_ = std::make_shared<const T>(*std::move(parsed));
    return absl::OkStatus();
  }

  const Options options_;
  base::Mutex mutex_;
  FileStamp stamp_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const T> value_ ABSL_GUARDED_BY(mutex_);
  absl::Time next_check_time_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace quartermaster::auth
