#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "inventory-svc/domain/page.h"
#include "inventory-svc/domain/unit_registry.h"
#include "quartermaster/inventory/v1/units.pb.h"

// Requests about units and locations to commands, and answers back. Every rule of format is here
// and nowhere else.
namespace quartermaster::inventory {

// A part of a list of units or locations.
struct ListQuery {
  // The unit to list beneath; for units it may be empty.
  std::string top;
  PageRequest page;
};

// Each fails with INVALID_ARGUMENT and names every field that breaks its format.
absl::StatusOr<CreateUnitCommand> ParseCreateUnit(const v1::CreateUnitRequest& request);
absl::StatusOr<std::string> ParseGetUnit(const v1::GetUnitRequest& request);
absl::StatusOr<ListQuery> ParseListUnits(const v1::ListUnitsRequest& request);
absl::StatusOr<UpdateUnitCommand> ParseUpdateUnit(const v1::UpdateUnitRequest& request);
absl::StatusOr<MoveUnitCommand> ParseMoveUnit(const v1::MoveUnitRequest& request);
absl::StatusOr<CreateLocationCommand> ParseCreateLocation(const v1::CreateLocationRequest& request);
absl::StatusOr<std::string> ParseGetLocation(const v1::GetLocationRequest& request);
absl::StatusOr<ListQuery> ParseListLocations(const v1::ListLocationsRequest& request);
absl::StatusOr<UpdateLocationCommand> ParseUpdateLocation(const v1::UpdateLocationRequest& request);

void RenderUnit(const document::Versioned<Unit>& unit, v1::Unit& out);
void RenderUnits(const ListQuery& query, const Page<document::Versioned<Unit>>& page,
                 v1::ListUnitsResponse& out);
void RenderLocation(const document::Versioned<Location>& location, v1::Location& out);
void RenderLocations(const ListQuery& query, const Page<document::Versioned<Location>>& page,
                     v1::ListLocationsResponse& out);

}  // namespace quartermaster::inventory
