#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace quartermaster::qmctl {

// Reads a whole file of at most 64 MiB, `-` for standard input. NOT_FOUND, saying why, if it cannot
// be opened or is a folder; INVALID_ARGUMENT if it is larger.
absl::StatusOr<std::string> ReadFile(const std::string& path);

}  // namespace quartermaster::qmctl
