#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "qmctl/import/plan.h"
#include "qmctl/import/request_id.h"
#include "qmctl/import/row_reader.h"

namespace quartermaster::qmctl {
namespace {

constexpr int64_t kTitleLengthMax = 120;

void ReadTitle(RowReader& reader, type::v1::Title& title) {
  title.set_zh(reader.RequiredText("title_zh", kTitleLengthMax));
  title.set_en(reader.Text("title_en", kTitleLengthMax));
}

std::string NameOf(const Planned<pb::CreateUnitRequest>& unit) {
  return absl::StrCat("units/", unit.request.unit_id());
}

// Puts parents before children; a unit that stands above itself is a problem.
void SortByDepth(std::vector<Planned<pb::CreateUnitRequest>>& units,
                 std::vector<Problem>& problems) {
  absl::flat_hash_map<std::string, std::string> parents;
  for (const auto& unit : units) parents[NameOf(unit)] = unit.request.unit().parent();
  const auto depth_of = [&parents](std::string name) {
    size_t depth = 0;
    for (auto found = parents.find(name); found != parents.end() && depth <= parents.size();
         found = parents.find(name)) {
      name = found->second;
      ++depth;
    }
    return depth;
  };
  for (const auto& unit : units) {
    if (depth_of(NameOf(unit)) > units.size()) {
      problems.push_back({.file = unit.origin.file,
                          .line = unit.origin.line,
                          .column = "parent",
                          .value = unit.request.unit().parent(),
                          .description = "the unit would stand above itself"});
      return;
    }
  }
  std::ranges::stable_sort(units, {}, [&](const auto& unit) { return depth_of(NameOf(unit)); });
}

}  // namespace

void PlanUnits(const CsvFile& file, Plan& plan, std::vector<Problem>& problems) {
  const Columns columns{.required = {"unit_id", "parent", "kind", "title_zh"},
                        .optional = {"priority", "establishment", "title_en", "basis", "note"}};
  if (!CheckColumns(file, columns, problems)) return;
  absl::flat_hash_set<std::string> ids;
  for (const CsvRow& row : file.rows) {
    RowReader reader(file, row, problems);
    Planned<pb::CreateUnitRequest> planned{.origin = {file.name, row.line}};
    pb::CreateUnitRequest& request = planned.request;
    request.set_unit_id(reader.Id("unit_id"));
    if (!request.unit_id().empty() && !ids.insert(request.unit_id()).second) {
      reader.Tell("unit_id", "stands in this file twice");
    }
    pb::Unit& unit = *request.mutable_unit();
    unit.set_parent(reader.OptionalName("parent", "units"));
    unit.set_kind(
        static_cast<pb::UnitKind>(reader.RequiredEnum("kind", *pb::UnitKind_descriptor())));
    unit.set_priority(
        static_cast<pb::PriorityClass>(reader.Enum("priority", *pb::PriorityClass_descriptor())));
    if (unit.priority() == pb::PRIORITY_CLASS_UNSPECIFIED) unit.set_priority(pb::REGULAR);
    unit.set_establishment_count(reader.Integer("establishment", {.max = 10'000'000}, 0));
    ReadTitle(reader, *unit.mutable_title());
    request.set_request_id(DeriveRequestId("Units/CreateUnit", request));
    plan.units.push_back(std::move(planned));
  }
  SortByDepth(plan.units, problems);
}

void PlanLocations(const CsvFile& file, Plan& plan, std::vector<Problem>& problems) {
  const Columns columns{.required = {"unit", "location_id", "kind", "title_zh"},
                        .optional = {"title_en", "custodian", "basis", "note"}};
  if (!CheckColumns(file, columns, problems)) return;
  absl::flat_hash_set<std::string> names;
  for (const CsvRow& row : file.rows) {
    RowReader reader(file, row, problems);
    Planned<pb::CreateLocationRequest> planned{.origin = {file.name, row.line}};
    pb::CreateLocationRequest& request = planned.request;
    request.set_parent(reader.Name("unit", "units"));
    request.set_location_id(reader.Id("location_id"));
    if (!names.insert(absl::StrCat(request.parent(), "/", request.location_id())).second) {
      reader.Tell("location_id", "the unit has this location in this file already");
    }
    pb::Location& location = *request.mutable_location();
    location.set_kind(
        static_cast<pb::LocationKind>(reader.RequiredEnum("kind", *pb::LocationKind_descriptor())));
    location.set_custodian(reader.Text("custodian", 64));
    ReadTitle(reader, *location.mutable_title());
    request.set_request_id(DeriveRequestId("Units/CreateLocation", request));
    plan.locations.push_back(std::move(planned));
  }
}

}  // namespace quartermaster::qmctl
