#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace quartermaster::testing {

// What the fixture `mariadb` leaves in the build tree for the tests of one CTest run.
struct FixtureState {
  pid_t pid;
  std::string socket;
  std::string socket_directory;
};

// Returns the fixture's directory in the build tree, which the environment variable
// QM_TEST_BUILD_DIR names.
absl::StatusOr<std::string> FixtureDirectory();

// NOT_FOUND if the fixture is not running.
absl::StatusOr<FixtureState> ReadFixtureState();
absl::Status WriteFixtureState(const FixtureState& state);
void RemoveFixtureState();

}  // namespace quartermaster::testing
