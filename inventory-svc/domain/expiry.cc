#include "inventory-svc/domain/expiry.h"

#include "absl/time/civil_time.h"

namespace quartermaster::inventory {

std::string ExpiringBefore(absl::Time now, absl::TimeZone time_zone, int days) {
  return absl::FormatCivilTime(absl::ToCivilDay(now, time_zone) + days);
}

}  // namespace quartermaster::inventory
