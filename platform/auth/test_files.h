#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/string_view.h"
#include "platform/base/check.h"

namespace quartermaster::auth {

// A folder of a test's own, removed at its end.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "qm-auth-XXXXXX").string();
    QM_CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string PathOf(absl::string_view name) const { return (path_ / std::string(name)).string(); }

  // Puts a new file into the place of the old one, as deployments do, and returns its path.
  std::string Put(absl::string_view name, absl::string_view text) const {
    const std::string path = PathOf(name);
    std::ofstream(path + ".new", std::ios::binary) << text;
    std::filesystem::rename(path + ".new", path);
    return path;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace quartermaster::auth
