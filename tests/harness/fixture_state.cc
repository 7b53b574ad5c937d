#include "tests/harness/fixture_state.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "platform/base/status_macros.h"

namespace quartermaster::testing {
namespace {

absl::StatusOr<std::string> StateFile() {
  QM_ASSIGN_OR_RETURN(const std::string directory, FixtureDirectory());
  return absl::StrCat(directory, ".state");
}

}  // namespace

absl::StatusOr<std::string> FixtureDirectory() {
  const char* build = std::getenv("QM_TEST_BUILD_DIR");
  if (build == nullptr || *build == '\0') {
    return absl::FailedPreconditionError(
        "QM_TEST_BUILD_DIR is not set: run this test by ctest, or set it to the build directory "
        "and "
        "run `mariadb_fixture start` first");
  }
  return absl::StrCat(build, "/tests/mariadb");
}

absl::StatusOr<FixtureState> ReadFixtureState() {
  QM_ASSIGN_OR_RETURN(const std::string path, StateFile());
  std::ifstream file(path);
  FixtureState state;
  if (!(file >> state.pid >> state.socket >> state.socket_directory)) {
    return absl::NotFoundError(
        "the test database is not running: run this test by ctest, or `mariadb_fixture start` "
        "first");
  }
  return state;
}

absl::Status WriteFixtureState(const FixtureState& state) {
  QM_ASSIGN_OR_RETURN(const std::string path, StateFile());
  std::ofstream file(path);
  file << state.pid << '\n' << state.socket << '\n' << state.socket_directory << '\n';
  file.flush();
  return file.good() ? absl::OkStatus() : absl::InternalError(absl::StrCat("cannot write ", path));
}

void RemoveFixtureState() {
  const absl::StatusOr<std::string> path = StateFile();
  std::error_code error;
  if (path.ok()) std::filesystem::remove(*path, error);
}

}  // namespace quartermaster::testing
