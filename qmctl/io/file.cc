#include "qmctl/io/file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace quartermaster::qmctl {
namespace {

constexpr size_t kFileBytesMax = 64 << 20;

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) {
      return absl::NotFoundError(absl::StrCat("cannot read ", path, ": a folder"));
    }
    errno = 0;
    file.open(path, std::ios::binary);
    if (!file.is_open()) {
      return absl::NotFoundError(absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
    }
  }
  std::istream& input = path == "-" ? std::cin : file;
  std::string text;
  char block[1 << 16];
  while (input.read(block, sizeof(block)) || input.gcount() > 0) {
    text.append(block, static_cast<size_t>(input.gcount()));
    if (text.size() > kFileBytesMax) {
      return absl::InvalidArgumentError(absl::StrCat(path, " is larger than 64 MiB"));
    }
  }
  return text;
}

}  // namespace quartermaster::qmctl
