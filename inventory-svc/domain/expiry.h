#pragma once

#include <string>

#include "absl/time/time.h"

namespace quartermaster::inventory {

// Returns the first day (`YYYY-MM-DD`) that does not lie within `days` days, today being the first
// of them: what has its last day of use before it expires soon. Which day it is, is for `time_zone`
// to say; a lot can be used until its last day ends there.
std::string ExpiringBefore(absl::Time now, absl::TimeZone time_zone, int days);

}  // namespace quartermaster::inventory
