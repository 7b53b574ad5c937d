#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace quartermaster::gateway {

// Returns the candidate that `text` is most likely a slip of: the fewest inserted, dropped, changed
// or swapped neighboring characters, case and underscores aside, the first of equals. Empty if
// none is near enough to be worth a guess. Looks at 64 characters at most.
std::string NearestOf(absl::string_view text, const std::vector<std::string>& candidates);

}  // namespace quartermaster::gateway
