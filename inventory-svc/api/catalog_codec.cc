#include "inventory-svc/api/catalog_codec.h"

#include <algorithm>
#include <limits>
#include <set>
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
using rpc::ElementPath;
using rpc::FieldErrors;
using rpc::FieldPath;

constexpr char kItem[] = "items/{item}";
constexpr char kItemList[] = "items";
constexpr int kUnitsMax = 32;
constexpr int kSubstitutesMax = 16;
constexpr size_t kCategoryCodeDigits = 7;
constexpr rpc::PageSizes kPages;

// Money counts only goods that are known by their value alone: those kept in fen.
constexpr char kFen[] = "fen";
struct MoneyUnit {
  const char* unit;
  int64_t fen;
};
constexpr MoneyUnit kMoneyUnits[] = {{kFen, 1}, {"yuan", 100}, {"wan-yuan", 1'000'000}};

// Refuses a unit of money that would become a count, or be worth something else than it is.
void CheckMoney(const std::string& path, const ItemUnit& unit, absl::string_view base_unit,
                FieldErrors& errors) {
  const auto money = std::ranges::find_if(
      kMoneyUnits, [&](const MoneyUnit& known) { return unit.unit == known.unit; });
  if (money == std::end(kMoneyUnits)) return;
  if (base_unit != kFen) {
    errors.Add(FieldPath(path, "unit"),
               absl::StrCat(unit.unit,
                            " is money, which never turns into a count; only items kept "
                            "in fen can be given in it"));
  } else if (unit.numerator != money->fen || unit.denominator != 1) {
    errors.Add(FieldPath(path, "numerator"),
               absl::StrCat("one ", unit.unit, " is ", money->fen, " fen"));
  }
}

ItemUnit ParseUnit(const std::string& path, const v1::ItemUnit& unit, FieldErrors& errors) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  return {
      .unit = ParseMeasure(FieldPath(path, "unit"), unit.unit(), errors),
      .numerator = rpc::ParseInt(FieldPath(path, "numerator"), unit.numerator(), 1, kMax, errors),
      .denominator = unit.denominator() == 0 ? 1
                                             : rpc::ParseInt(FieldPath(path, "denominator"),
                                                             unit.denominator(), 1, kMax, errors)};
}

std::vector<ItemUnit> ParseUnits(const v1::Item& item, FieldErrors& errors) {
  std::vector<ItemUnit> units;
  if (item.units_size() > kUnitsMax) {
    errors.Add("item.units", absl::StrCat(item.units_size(), " are more than ", kUnitsMax));
    return units;
  }
  std::set<std::string> names = {item.base_unit()};
  for (int i = 0; i < item.units_size(); ++i) {
    const std::string path = ElementPath("item.units", i);
    units.push_back(ParseUnit(path, item.units(i), errors));
    if (!names.insert(units.back().unit).second) {
      errors.Add(FieldPath(path, "unit"),
                 absl::StrCat(rpc::Quoted(units.back().unit), " is declared twice"));
    }
    CheckMoney(path, units.back(), item.base_unit(), errors);
  }
  return units;
}

std::vector<std::string> ParseSubstitutes(const v1::Item& item, absl::string_view name,
                                          FieldErrors& errors) {
  if (item.substitutes_size() > kSubstitutesMax) {
    errors.Add("item.substitutes",
               absl::StrCat(item.substitutes_size(), " are more than ", kSubstitutesMax));
    return {};
  }
  std::set<std::string> seen = {std::string(name)};
  for (int i = 0; i < item.substitutes_size(); ++i) {
    const std::string path = ElementPath("item.substitutes", i);
    rpc::ParseResourceName(path, kItem, item.substitutes(i), errors);
    if (!seen.insert(item.substitutes(i)).second) {
      errors.Add(path, absl::StrCat(rpc::Quoted(item.substitutes(i)),
                                    " is the item itself, or named twice"));
    }
  }
  return {item.substitutes().begin(), item.substitutes().end()};
}

bool IsCategoryCode(absl::string_view text) {
  return text.empty() ||
         (text.size() == kCategoryCodeDigits &&
          std::ranges::all_of(text, [](unsigned char c) { return absl::ascii_isdigit(c); }));
}

// What an item says about itself, under the name that it has or gets.
Item ParseItem(const v1::Item& item, const std::string& name, FieldErrors& errors) {
  if (!IsCategoryCode(item.category_code())) {
    errors.Add("item.category_code",
               absl::StrCat(rpc::Quoted(item.category_code()), " is not seven digits"));
  }
  return {.name = name,
          .title = ParseTitle("item.title", item.title(), errors),
          .base_unit = ParseMeasure("item.base_unit", item.base_unit(), errors),
          .units = ParseUnits(item, errors),
          .category_code = item.category_code(),
          .is_expiring = item.is_expiring(),
          .is_durable = item.is_durable(),
          .hazard = rpc::ParseEnumValue("item.hazard", item.hazard(), HazardClass::kNone, errors),
          .substitutes = ParseSubstitutes(item, name, errors)};
}

}  // namespace

absl::StatusOr<CreateItemCommand> ParseCreateItem(const v1::CreateItemRequest& request) {
  FieldErrors errors;
  const std::string id = rpc::ParseResourceId("item_id", request.item_id(), errors);
  CreateItemCommand command{
      .item = ParseItem(request.item(), absl::StrCat("items/", id), errors),
      .request_id = rpc::ParseUuid("request_id", request.request_id(), errors)};
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<std::string> ParseGetItem(const v1::GetItemRequest& request) {
  FieldErrors errors;
  std::string name = rpc::ParseResourceName("name", kItem, request.name(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return name;
}

absl::StatusOr<PageRequest> ParseListItems(const v1::ListItemsRequest& request) {
  FieldErrors errors;
  PageRequest page{.after = rpc::ParsePageToken(request.page_token(), kItemList, errors),
                   .size = rpc::ParsePageSize(request.page_size(), kPages, errors)};
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return page;
}

absl::StatusOr<UpdateItemCommand> ParseUpdateItem(const v1::UpdateItemRequest& request) {
  FieldErrors errors;
  UpdateItemCommand command;
  const std::string name =
      rpc::ParseResourceName("item.name", kItem, request.item().name(), errors);
  command.item = ParseItem(request.item(), name, errors);
  command.etag = rpc::ParseText("item.etag", request.item().etag(),
                                {.length_min = 1, .length_max = 64}, errors);
  command.request_id = rpc::ParseUuid("request_id", request.request_id(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<DeclarePackCommand> ParseDeclarePack(const v1::DeclarePackRequest& request) {
  FieldErrors errors;
  DeclarePackCommand command;
  command.item = rpc::ParseResourceName("item", kItem, request.item(), errors);
  command.pack.pack = ParseMeasure("pack.pack", request.pack().pack(), errors);
  command.pack.source =
      rpc::ParseText("pack.source", request.pack().source(), {.length_max = 120}, errors);
  const Quantity content = ParseQuantity("pack.content", request.pack().content(), errors);
  command.pack.content_amount = content.amount;
  command.pack.content_unit = content.unit;
  command.request_id = rpc::ParseUuid("request_id", request.request_id(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<ConvertQuery> ParseConvertQuantity(const v1::ConvertQuantityRequest& request) {
  FieldErrors errors;
  ConvertQuery query{
      .item = rpc::ParseResourceName("item", kItem, request.item(), errors),
      .quantity = {.amount = request.quantity().amount(), .unit = request.quantity().unit()}};
  rpc::ParseInt("quantity.amount", query.quantity.amount, 0, std::numeric_limits<int64_t>::max(),
                errors);
  if (!query.quantity.unit.empty()) ParseMeasure("quantity.unit", query.quantity.unit, errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return query;
}

void RenderItem(const Versioned<Item>& item, v1::Item& out) {
  const Item& body = item.body;
  out.set_name(body.name);
  RenderTitle(body.title, *out.mutable_title());
  out.set_base_unit(body.base_unit);
  for (const ItemUnit& unit : body.units) {
    v1::ItemUnit& rendered = *out.add_units();
    rendered.set_unit(unit.unit);
    rendered.set_numerator(unit.numerator);
    rendered.set_denominator(unit.denominator);
  }
  out.set_category_code(body.category_code);
  out.set_is_expiring(body.is_expiring);
  out.set_is_durable(body.is_durable);
  out.set_hazard(static_cast<v1::HazardClass>(body.hazard));
  for (const std::string& substitute : body.substitutes) out.add_substitutes(substitute);
  for (const Pack& pack : body.packs) {
    v1::Pack& rendered = *out.add_packs();
    rendered.set_pack(pack.pack);
    rendered.set_source(pack.source);
    rendered.mutable_content()->set_amount(pack.content_amount);
    rendered.mutable_content()->set_unit(pack.content_unit);
    rendered.set_version(pack.version);
    rendered.set_base_quantity(pack.base_quantity);
  }
  *out.mutable_create_time() = rpc::RenderTimestamp(body.create_time);
  *out.mutable_update_time() = rpc::RenderTimestamp(body.update_time);
  out.set_etag(document::MakeEtag(item.version));
}

void RenderItems(const Page<Versioned<Item>>& page, v1::ListItemsResponse& out) {
  for (const Versioned<Item>& item : page.rows) RenderItem(item, *out.add_items());
  if (!page.next_after.empty()) {
    out.set_next_page_token(rpc::MakePageToken(kItemList, page.next_after));
  }
}

}  // namespace quartermaster::inventory
