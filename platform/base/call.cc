#include "platform/base/call.h"

#include <algorithm>

namespace quartermaster::base {

std::vector<absl::string_view> Caller::UnitsWith(absl::string_view permission,
                                                 absl::Time now) const {
  std::vector<absl::string_view> units;
  for (const Grant& grant : grants) {
    if (now < grant.end_time && grant.permissions->contains(permission))
      units.push_back(grant.unit);
  }
  return units;
}

bool Caller::MayAnywhere(absl::string_view permission, absl::Time now) const {
  return std::ranges::any_of(grants, [&](const Grant& grant) {
    return now < grant.end_time && grant.permissions->contains(permission);
  });
}

}  // namespace quartermaster::base
