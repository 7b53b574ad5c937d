#include "tools/demo_issuer/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "platform/auth/watched_file.h"
#include "platform/base/status_macros.h"

namespace quartermaster::demo {
namespace {

absl::Status Failed(const std::string& path) {
  return absl::UnknownError(absl::StrCat(path, ": ", std::strerror(errno)));
}

// Writes `text` beside `path` and returns the name; the caller puts it into its place.
absl::StatusOr<std::string> WriteBeside(const std::string& path, absl::string_view text) {
  std::string beside = path + ".XXXXXX";
  const int file = mkostemp(beside.data(), O_CLOEXEC);  // Mode 0600.
  if (file < 0) return Failed(path);
  absl::Cleanup close_file = [file] { close(file); };
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const absl::Status failed = Failed(path);
      unlink(beside.c_str());
      return failed;
    }
    text.remove_prefix(static_cast<size_t>(written));
  }
  return beside;
}

}  // namespace

absl::Status MakePrivateFolder(const std::string& path) {
  std::error_code error;
  const std::filesystem::path folder(path);
  if (folder.has_parent_path()) std::filesystem::create_directories(folder.parent_path(), error);
  if (!error && mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return Failed(path);
  if (error) return absl::UnknownError(absl::StrCat(path, ": ", error.message()));
  return absl::OkStatus();
}

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  return auth::ReadSmallFile(path, kFileBytesMax);
}

absl::Status WriteNewFile(const std::string& path, absl::string_view text) {
  QM_ASSIGN_OR_RETURN(const std::string beside, WriteBeside(path, text));
  // link() refuses to replace what is there; rename() would not.
  const bool is_new = link(beside.c_str(), path.c_str()) == 0;
  const absl::Status failed = is_new ? absl::OkStatus() : Failed(path);
  const bool exists = errno == EEXIST;
  unlink(beside.c_str());
  if (!is_new && exists) return absl::AlreadyExistsError(absl::StrCat(path, " is there already"));
  return failed;
}

absl::Status ReplaceFile(const std::string& path, absl::string_view text) {
  QM_ASSIGN_OR_RETURN(const std::string beside, WriteBeside(path, text));
  if (rename(beside.c_str(), path.c_str()) == 0) return absl::OkStatus();
  const absl::Status failed = Failed(path);
  unlink(beside.c_str());
  return failed;
}

}  // namespace quartermaster::demo
