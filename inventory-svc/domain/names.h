#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "platform/base/uuid.h"

// Resource names, taken apart and put together in one place. The functions that take names apart
// expect names whose format was checked at the edge.
namespace quartermaster::inventory {

// `units/a/locations/b` -> `units/a`.
absl::string_view UnitOfLocation(absl::string_view location);
// `items/a/lots/b` -> `items/a`.
absl::string_view ItemOfLot(absl::string_view lot);
// The part after the last slash.
absl::string_view LastSegment(absl::string_view name);

// `movements/{uuid}`.
std::string MovementName(const base::Uuid& movement_id);
// `transfers/{uuid}`.
std::string TransferName(const base::Uuid& transfer_id);

}  // namespace quartermaster::inventory
