#include "inventory-svc/domain/unit_errors.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {

absl::Status UnitNotFound(absl::string_view unit) {
  return status::MakeError(absl::StatusCode::kNotFound, absl::StrCat("there is no ", unit),
                           {.reason = "UNIT_NOT_FOUND", .metadata = {{"unit", std::string(unit)}}});
}

absl::Status UnitExists(absl::string_view unit) {
  return status::MakeError(
      absl::StatusCode::kAlreadyExists,
      absl::StrCat("there is already a unit of the name ", unit, "; choose another id"),
      {.reason = "UNIT_EXISTS", .metadata = {{"unit", std::string(unit)}}});
}

absl::Status UnitCycle(absl::string_view unit, absl::string_view parent) {
  return status::MakeError(
      absl::StatusCode::kFailedPrecondition,
      absl::StrCat(parent, " is ", unit, " or beneath it; move it under a unit outside of itself"),
      {.reason = "UNIT_CYCLE",
       .metadata = {{"unit", std::string(unit)}, {"parent", std::string(parent)}}});
}

absl::Status LocationNotFound(absl::string_view location) {
  return status::MakeError(
      absl::StatusCode::kNotFound, absl::StrCat("there is no ", location),
      {.reason = "LOCATION_NOT_FOUND", .metadata = {{"location", std::string(location)}}});
}

absl::Status LocationExists(absl::string_view location) {
  return status::MakeError(
      absl::StatusCode::kAlreadyExists,
      absl::StrCat("there is already a location of the name ", location, "; choose another id"),
      {.reason = "LOCATION_EXISTS", .metadata = {{"location", std::string(location)}}});
}

}  // namespace quartermaster::inventory
