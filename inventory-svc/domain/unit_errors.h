#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

// Every refusal about units and locations, one function each.
namespace quartermaster::inventory {

absl::Status UnitNotFound(absl::string_view unit);
absl::Status UnitExists(absl::string_view unit);
// `parent` is `unit` or beneath it.
absl::Status UnitCycle(absl::string_view unit, absl::string_view parent);
absl::Status LocationNotFound(absl::string_view location);
absl::Status LocationExists(absl::string_view location);

}  // namespace quartermaster::inventory
