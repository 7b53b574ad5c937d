#include "platform/auth/watched_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace quartermaster::auth {

absl::StatusOr<FileStamp> ReadFileStamp(const std::string& path) {
  struct stat found;
  if (stat(path.c_str(), &found) != 0) {
    return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  }
  return FileStamp{.device = found.st_dev,
                   .inode = found.st_ino,
                   .size = found.st_size,
                   .modified_nanos = int64_t{found.st_mtim.tv_sec} * 1'000'000'000 +
                                     int64_t{found.st_mtim.tv_nsec}};
}

absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t bytes_max) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  // One byte more than allowed tells a file that is too long without reading all of it.
  std::string text(bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (file.bad()) return absl::NotFoundError(absl::StrCat(path, " cannot be read"));
  if (text.size() > bytes_max) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is longer than ", bytes_max, " bytes"));
  }
  return text;
}

}  // namespace quartermaster::auth
