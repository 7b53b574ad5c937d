#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/mysql/connection.h"

namespace quartermaster::testing {

// Follows the sealed chain in the tables from its beginning to its end and returns a sentence for
// the first place that does not fit, and for what is sealed but covered by no block; nothing if all
// is well. Part of `FindBookViolations`.
absl::StatusOr<std::vector<std::string>> FindChainViolations(mysql::Connection& connection);

}  // namespace quartermaster::testing
