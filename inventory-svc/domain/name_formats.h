#pragma once

#include "absl/strings/string_view.h"

// The formats of resource names and units of quantity, as `protos/quartermaster/inventory/v1`
// documents them.
namespace quartermaster::inventory {

// Tells whether `id` is what a caller may choose: `[a-z]([a-z0-9-]{0,61}[a-z0-9])?`.
bool IsResourceId(absl::string_view id);
// Tells whether `name` is `units/{unit}`.
bool IsUnitName(absl::string_view name);
// Tells whether `name` is `units/{unit}/locations/{location}`.
bool IsLocationName(absl::string_view name);
// Tells whether `name` is `items/{item}`.
bool IsItemName(absl::string_view name);
// Tells whether `name` is `items/{item}/lots/{lot}`.
bool IsLotName(absl::string_view name);
// Tells whether `text` is a unit of quantity: `[a-z][a-z0-9-]{0,31}`.
bool IsMeasure(absl::string_view text);

}  // namespace quartermaster::inventory
