#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "qmctl/import/plan.h"
#include "qmctl/import/request_id.h"
#include "qmctl/import/row_reader.h"

namespace quartermaster::qmctl {
namespace {

// Cuts `a; b; c` into its parts; none for an empty field.
std::vector<absl::string_view> SplitList(absl::string_view field) {
  std::vector<absl::string_view> parts;
  for (const absl::string_view part : absl::StrSplit(field, ';')) {
    const absl::string_view stripped = absl::StripAsciiWhitespace(part);
    if (!stripped.empty()) parts.push_back(stripped);
  }
  return parts;
}

// Cuts `name=rest` in two; an empty name if there is no equals sign.
std::pair<absl::string_view, absl::string_view> SplitPair(absl::string_view text) {
  const size_t equals = text.find('=');
  if (equals == absl::string_view::npos) return {};
  return {absl::StripAsciiWhitespace(text.substr(0, equals)),
          absl::StripAsciiWhitespace(text.substr(equals + 1))};
}

bool ParsePositive(absl::string_view text, int64_t& value) {
  return absl::SimpleAtoi(text, &value) && value >= 1 && absl::ascii_isdigit(text.front());
}

void ReadUnits(RowReader& reader, pb::Item& item) {
  for (const absl::string_view part : SplitList(reader.Field("units"))) {
    const auto [name, ratio] = SplitPair(part);
    const std::vector<absl::string_view> numbers = absl::StrSplit(ratio, '/');
    int64_t numerator = 0;
    int64_t denominator = 1;
    if (name.empty() || ratio.empty() || numbers.size() > 2 ||
        !ParsePositive(numbers[0], numerator) ||
        (numbers.size() == 2 && (numbers[1].empty() || !ParsePositive(numbers[1], denominator)))) {
      reader.Tell("units", absl::StrCat("\"", part, "\": units are written pair=2; litre=800"));
      continue;
    }
    pb::ItemUnit& unit = *item.add_units();
    unit.set_unit(std::string(name));
    unit.set_numerator(numerator);
    unit.set_denominator(denominator);
  }
}

void ReadPacks(RowReader& reader, PlannedItem& planned) {
  for (const absl::string_view part : SplitList(reader.Field("packs"))) {
    const auto [name, content] = SplitPair(part);
    const std::vector<absl::string_view> words = absl::StrSplit(content, ' ', absl::SkipEmpty());
    int64_t amount = 0;
    if (name.empty() || words.size() != 2 || !ParsePositive(words[0], amount)) {
      reader.Tell("packs", absl::StrCat("\"", part, "\": packs are written box50=50 piece"));
      continue;
    }
    pb::DeclarePackRequest request;
    request.set_item(absl::StrCat("items/", planned.request.item_id()));
    request.mutable_pack()->set_pack(std::string(name));
    request.mutable_pack()->mutable_content()->set_amount(amount);
    request.mutable_pack()->mutable_content()->set_unit(std::string(words[1]));
    request.set_request_id(DeriveRequestId("Catalog/DeclarePack", request));
    planned.packs.push_back(std::move(request));
  }
}

void ReadSubstitutes(RowReader& reader, pb::Item& item) {
  for (const absl::string_view part : SplitList(reader.Field("substitutes"))) {
    item.add_substitutes(absl::StrCat("items/", part));
  }
}

// An item can only name substitutes that exist, so they have to come first.
void CheckOrder(const std::vector<PlannedItem>& items, std::vector<Problem>& problems) {
  absl::flat_hash_set<std::string> to_come;
  for (const PlannedItem& item : items) {
    to_come.insert(absl::StrCat("items/", item.request.item_id()));
  }
  for (const PlannedItem& item : items) {
    for (const std::string& substitute : item.request.item().substitutes()) {
      if (!to_come.contains(substitute)) continue;
      problems.push_back({.file = item.origin.file,
                          .line = item.origin.line,
                          .column = "substitutes",
                          .value = substitute,
                          .description = "a substitute must stand above the item it serves for"});
    }
    to_come.erase(absl::StrCat("items/", item.request.item_id()));
  }
}

// A date is written as the calendar has it: 2020-02-30 is refused.
std::string ReadDate(RowReader& reader, absl::string_view column) {
  const absl::string_view field = reader.Field(column);
  if (field.empty()) return "";
  absl::CivilDay day;
  if (field.size() == 10 && absl::ParseCivilTime(field, &day) &&
      absl::FormatCivilTime(day) == field) {
    return std::string(field);
  }
  reader.Tell(column, "a date is written 2020-07-20");
  return "";
}

}  // namespace

void PlanItems(const CsvFile& file, Plan& plan, std::vector<Problem>& problems) {
  const Columns columns{.required = {"item_id", "title_zh", "base_unit"},
                        .optional = {"title_en", "units", "packs", "category_code", "is_expiring",
                                     "is_durable", "hazard", "substitutes", "basis", "note"}};
  if (!CheckColumns(file, columns, problems)) return;
  absl::flat_hash_set<std::string> ids;
  for (const CsvRow& row : file.rows) {
    RowReader reader(file, row, problems);
    PlannedItem planned{.origin = {file.name, row.line}};
    pb::CreateItemRequest& request = planned.request;
    request.set_item_id(reader.Id("item_id"));
    if (!request.item_id().empty() && !ids.insert(request.item_id()).second) {
      reader.Tell("item_id", "stands in this file twice");
    }
    pb::Item& item = *request.mutable_item();
    item.mutable_title()->set_zh(reader.RequiredText("title_zh", 120));
    item.mutable_title()->set_en(reader.Text("title_en", 120));
    item.set_base_unit(reader.RequiredText("base_unit", 32));
    ReadUnits(reader, item);
    item.set_category_code(reader.Text("category_code", 7));
    item.set_is_expiring(reader.Flag("is_expiring"));
    item.set_is_durable(reader.Flag("is_durable"));
    item.set_hazard(
        static_cast<pb::HazardClass>(reader.Enum("hazard", *pb::HazardClass_descriptor())));
    if (item.hazard() == pb::HAZARD_CLASS_UNSPECIFIED) item.set_hazard(pb::NO_HAZARD);
    ReadSubstitutes(reader, item);
    request.set_request_id(DeriveRequestId("Catalog/CreateItem", request));
    ReadPacks(reader, planned);
    plan.items.push_back(std::move(planned));
  }
  CheckOrder(plan.items, problems);
}

void PlanLots(const CsvFile& file, Plan& plan, std::vector<Problem>& problems) {
  const Columns columns{.required = {"item", "lot_id", "origin", "owner"},
                        .optional = {"origin_reference", "expiry_date", "basis", "note"}};
  if (!CheckColumns(file, columns, problems)) return;
  absl::flat_hash_set<std::string> names;
  for (const CsvRow& row : file.rows) {
    RowReader reader(file, row, problems);
    Planned<pb::CreateLotRequest> planned{.origin = {file.name, row.line}};
    pb::CreateLotRequest& request = planned.request;
    request.set_parent(reader.Name("item", "items"));
    request.set_lot_id(reader.Id("lot_id"));
    if (!names.insert(absl::StrCat(request.parent(), "/", request.lot_id())).second) {
      reader.Tell("lot_id", "the item has this lot in this file already");
    }
    pb::Lot& lot = *request.mutable_lot();
    lot.set_origin(
        static_cast<pb::Lot::Origin>(reader.RequiredEnum("origin", *pb::Lot::Origin_descriptor())));
    lot.set_origin_reference(reader.Text("origin_reference", 120));
    lot.set_owner(reader.Name("owner", "units"));
    lot.set_expiry_date(ReadDate(reader, "expiry_date"));
    request.set_request_id(DeriveRequestId("Ledger/CreateLot", request));
    plan.lots.push_back(std::move(planned));
  }
}

}  // namespace quartermaster::qmctl
