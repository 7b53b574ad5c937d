#pragma once

#include <string>

#include "absl/status/status.h"

namespace quartermaster::rpc {

// Writes where calls are taken into a file, of which other readers see the old one or the new one,
// never half of it. Does nothing if `path` is empty. FAILED_PRECONDITION if it cannot be written.
absl::Status WriteAddressFile(const std::string& path, const std::string& address);

}  // namespace quartermaster::rpc
