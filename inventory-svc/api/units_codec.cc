#include "inventory-svc/api/units_codec.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "inventory-svc/api/fields.h"
#include "platform/base/status_macros.h"
#include "platform/rpc/page_token.h"
#include "platform/rpc/parse.h"

namespace quartermaster::inventory {
namespace {

using document::Versioned;
using rpc::FieldErrors;
using rpc::FieldPath;

constexpr char kUnit[] = "units/{unit}";
constexpr char kLocation[] = "units/{unit}/locations/{location}";
constexpr rpc::PageSizes kPages;
constexpr size_t kCustodianLengthMax = 64;

// What a unit says about itself; name and parent are left empty.
Unit ParseUnit(const v1::Unit& unit, FieldErrors& errors) {
  return {
      .title = ParseTitle("unit.title", unit.title(), errors),
      .kind = rpc::ParseEnumValue<UnitKind>("unit.kind", unit.kind(), errors),
      .priority =
          rpc::ParseEnumValue("unit.priority", unit.priority(), PriorityClass::kRegular, errors),
      .establishment_count = rpc::ParseInt("unit.establishment_count", unit.establishment_count(),
                                           0, std::numeric_limits<int32_t>::max(), errors)};
}

bool IsSubject(absl::string_view text) {
  return text.size() <= kCustodianLengthMax && std::ranges::all_of(text, [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
         });
}

// What a location says about itself; the name is left empty.
Location ParseLocation(const v1::Location& location, FieldErrors& errors) {
  if (!IsSubject(location.custodian())) {
    errors.Add("location.custodian", absl::StrCat(rpc::Quoted(location.custodian()),
                                                  " is not up to 64 of [A-Za-z0-9._-]"));
  }
  return {.title = ParseTitle("location.title", location.title(), errors),
          .kind = rpc::ParseEnumValue<LocationKind>("location.kind", location.kind(), errors),
          .custodian = location.custodian()};
}

std::string ParseEtag(absl::string_view field, const std::string& etag, FieldErrors& errors) {
  return rpc::ParseText(field, etag, {.length_min = 1, .length_max = 64}, errors);
}

// What all pages of one list have in common.
std::string QueryOf(absl::string_view list, absl::string_view top) {
  return absl::StrCat(list, "|", top);
}

ListQuery ParseQuery(absl::string_view list, const std::string& top, int32_t page_size,
                     const std::string& page_token, FieldErrors& errors) {
  return {.top = top,
          .page = {.after = rpc::ParsePageToken(page_token, QueryOf(list, top), errors),
                   .size = rpc::ParsePageSize(page_size, kPages, errors)}};
}

std::string NextToken(absl::string_view list, const ListQuery& query, const std::string& after) {
  return after.empty() ? "" : rpc::MakePageToken(QueryOf(list, query.top), after);
}

constexpr char kUnitList[] = "units";
constexpr char kLocationList[] = "locations";

}  // namespace

absl::StatusOr<CreateUnitCommand> ParseCreateUnit(const v1::CreateUnitRequest& request) {
  FieldErrors errors;
  CreateUnitCommand command;
  const std::string id = rpc::ParseResourceId("unit_id", request.unit_id(), errors);
  command.unit = ParseUnit(request.unit(), errors);
  command.unit.name = absl::StrCat("units/", id);
  if (!request.unit().parent().empty()) {
    command.unit.parent =
        rpc::ParseResourceName("unit.parent", kUnit, request.unit().parent(), errors);
  }
  command.request_id = rpc::ParseUuid("request_id", request.request_id(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<std::string> ParseGetUnit(const v1::GetUnitRequest& request) {
  FieldErrors errors;
  std::string name = rpc::ParseResourceName("name", kUnit, request.name(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return name;
}

absl::StatusOr<ListQuery> ParseListUnits(const v1::ListUnitsRequest& request) {
  FieldErrors errors;
  if (!request.root().empty()) rpc::ParseResourceName("root", kUnit, request.root(), errors);
  ListQuery query =
      ParseQuery(kUnitList, request.root(), request.page_size(), request.page_token(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return query;
}

absl::StatusOr<UpdateUnitCommand> ParseUpdateUnit(const v1::UpdateUnitRequest& request) {
  FieldErrors errors;
  UpdateUnitCommand command;
  const std::string name =
      rpc::ParseResourceName("unit.name", kUnit, request.unit().name(), errors);
  command.unit = ParseUnit(request.unit(), errors);
  command.unit.name = name;
  command.etag = ParseEtag("unit.etag", request.unit().etag(), errors);
  command.request_id = rpc::ParseUuid("request_id", request.request_id(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<MoveUnitCommand> ParseMoveUnit(const v1::MoveUnitRequest& request) {
  FieldErrors errors;
  MoveUnitCommand command{
      .name = rpc::ParseResourceName("name", kUnit, request.name(), errors),
      .parent = rpc::ParseResourceName("parent", kUnit, request.parent(), errors),
      .etag = ParseEtag("etag", request.etag(), errors),
      .request_id = rpc::ParseUuid("request_id", request.request_id(), errors)};
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<CreateLocationCommand> ParseCreateLocation(
    const v1::CreateLocationRequest& request) {
  FieldErrors errors;
  CreateLocationCommand command;
  rpc::ParseResourceName("parent", kUnit, request.parent(), errors);
  const std::string id = rpc::ParseResourceId("location_id", request.location_id(), errors);
  command.location = ParseLocation(request.location(), errors);
  command.location.name = absl::StrCat(request.parent(), "/locations/", id);
  command.request_id = rpc::ParseUuid("request_id", request.request_id(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<std::string> ParseGetLocation(const v1::GetLocationRequest& request) {
  FieldErrors errors;
  std::string name = rpc::ParseResourceName("name", kLocation, request.name(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return name;
}

absl::StatusOr<ListQuery> ParseListLocations(const v1::ListLocationsRequest& request) {
  FieldErrors errors;
  rpc::ParseResourceName("parent", kUnit, request.parent(), errors);
  ListQuery query = ParseQuery(kLocationList, request.parent(), request.page_size(),
                               request.page_token(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return query;
}

absl::StatusOr<UpdateLocationCommand> ParseUpdateLocation(
    const v1::UpdateLocationRequest& request) {
  FieldErrors errors;
  UpdateLocationCommand command;
  const std::string name =
      rpc::ParseResourceName("location.name", kLocation, request.location().name(), errors);
  command.location = ParseLocation(request.location(), errors);
  command.location.name = name;
  command.etag = ParseEtag("location.etag", request.location().etag(), errors);
  command.request_id = rpc::ParseUuid("request_id", request.request_id(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

void RenderUnit(const Versioned<Unit>& unit, v1::Unit& out) {
  out.set_name(unit.body.name);
  out.set_parent(unit.body.parent);
  RenderTitle(unit.body.title, *out.mutable_title());
  out.set_kind(static_cast<v1::UnitKind>(unit.body.kind));
  out.set_priority(static_cast<v1::PriorityClass>(unit.body.priority));
  out.set_establishment_count(unit.body.establishment_count);
  *out.mutable_create_time() = rpc::RenderTimestamp(unit.body.create_time);
  *out.mutable_update_time() = rpc::RenderTimestamp(unit.body.update_time);
  out.set_etag(document::MakeEtag(unit.version));
}

void RenderUnits(const ListQuery& query, const Page<Versioned<Unit>>& page,
                 v1::ListUnitsResponse& out) {
  for (const Versioned<Unit>& unit : page.rows) RenderUnit(unit, *out.add_units());
  out.set_next_page_token(NextToken(kUnitList, query, page.next_after));
}

void RenderLocation(const Versioned<Location>& location, v1::Location& out) {
  out.set_name(location.body.name);
  RenderTitle(location.body.title, *out.mutable_title());
  out.set_kind(static_cast<v1::LocationKind>(location.body.kind));
  out.set_custodian(location.body.custodian);
  *out.mutable_create_time() = rpc::RenderTimestamp(location.body.create_time);
  *out.mutable_update_time() = rpc::RenderTimestamp(location.body.update_time);
  out.set_etag(document::MakeEtag(location.version));
}

void RenderLocations(const ListQuery& query, const Page<Versioned<Location>>& page,
                     v1::ListLocationsResponse& out) {
  for (const Versioned<Location>& location : page.rows) {
    RenderLocation(location, *out.add_locations());
  }
  out.set_next_page_token(NextToken(kLocationList, query, page.next_after));
}

}  // namespace quartermaster::inventory
