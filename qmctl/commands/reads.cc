#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "qmctl/commands/as_of.h"
#include "qmctl/commands/commands.h"
#include "qmctl/commands/lines.h"
#include "qmctl/commands/read_rows.h"
#include "qmctl/import/names.h"
#include "quartermaster/inventory/v1/catalog.pb.h"
#include "quartermaster/inventory/v1/ledger.pb.h"
#include "quartermaster/inventory/v1/units.pb.h"

namespace quartermaster::qmctl {
namespace {

struct ReadOptions {
  std::string name;
  std::string item;
  std::string lot;
  std::string state;
  int row_count_max = 100;
  std::shared_ptr<AsOfOptions> as_of = std::make_shared<AsOfOptions>();
};

constexpr char kUnits[] = "quartermaster.inventory.v1.Units/";
constexpr char kCatalog[] = "quartermaster.inventory.v1.Catalog/";
constexpr char kLedger[] = "quartermaster.inventory.v1.Ledger/";

std::string TitleOf(const Session& session, const type::v1::Title& title) {
  const bool is_english = session.language() == Language::kEnglish;
  return is_english && !title.en().empty() ? title.en() : title.zh();
}

void ListUnits(Session& session, const ReadOptions& options) {
  pb::ListUnitsRequest request;
  if (!options.name.empty()) request.set_root(AddCollection("units", options.name));
  pb::ListUnitsResponse response;
  if (!ReadRows(
          session, absl::StrCat(kUnits, "ListUnits"), request, options.row_count_max, response,
          [](auto& list) -> auto& { return *list.mutable_units(); })) {
    return;
  }
  Table table{.columns = {{.title = session.Say("unit", "编号")},
                          {.title = session.Say("title", "名称")},
                          {.title = session.Say("beneath", "上级")},
                          {.title = session.Say("kind", "类别")},
                          {.title = session.Say("priority", "优先")},
                          {.title = session.Say("officers", "编制"), .is_number = true}}};
  for (const pb::Unit& unit : response.units()) {
    table.rows.push_back({Shorten(unit.name()), TitleOf(session, unit.title()),
                          Shorten(unit.parent()), pb::UnitKind_Name(unit.kind()),
                          pb::PriorityClass_Name(unit.priority()),
                          absl::StrCat(unit.establishment_count())});
  }
  PrintRows(session, table, response);
}

void ListLocations(Session& session, const ReadOptions& options) {
  pb::ListLocationsRequest request;
  request.set_parent(AddCollection("units", options.name));
  pb::ListLocationsResponse response;
  if (!ReadRows(
          session, absl::StrCat(kUnits, "ListLocations"), request, options.row_count_max, response,
          [](auto& list) -> auto& { return *list.mutable_locations(); })) {
    return;
  }
  Table table{.columns = {{.title = session.Say("location", "编号")},
                          {.title = session.Say("title", "名称")},
                          {.title = session.Say("kind", "类别")},
                          {.title = session.Say("custodian", "责任人")}}};
  for (const pb::Location& location : response.locations()) {
    table.rows.push_back({Shorten(location.name()), TitleOf(session, location.title()),
                          pb::LocationKind_Name(location.kind()), location.custodian()});
  }
  PrintRows(session, table, response);
}

void ListItems(Session& session, const ReadOptions& options) {
  pb::ListItemsResponse response;
  if (!ReadRows(
          session, absl::StrCat(kCatalog, "ListItems"), pb::ListItemsRequest(),
          options.row_count_max, response,
          [](auto& list) -> auto& { return *list.mutable_items(); })) {
    return;
  }
  Table table{.columns = {{.title = session.Say("item", "编号")},
                          {.title = session.Say("title", "名称")},
                          {.title = session.Say("kept in", "计量单位")},
                          {.title = session.Say("also written in", "可用单位")},
                          {.title = session.Say("kind", "类别")}}};
  for (const pb::Item& item : response.items()) {
    std::vector<std::string> measures;
    for (const pb::ItemUnit& unit : item.units()) {
      measures.push_back(absl::StrCat(unit.unit(), "=", unit.numerator()));
      if (unit.denominator() > 1) absl::StrAppend(&measures.back(), "/", unit.denominator());
    }
    for (const pb::Pack& pack : item.packs()) {
      measures.push_back(absl::StrCat(pack.pack(), "=", pack.base_quantity()));
    }
    std::vector<std::string> kinds;
    if (item.is_expiring()) kinds.push_back(session.Say("expires", "有效期"));
    if (item.is_durable()) kinds.push_back(session.Say("durable", "耐用"));
    if (item.hazard() > pb::NO_HAZARD) kinds.push_back(pb::HazardClass_Name(item.hazard()));
    table.rows.push_back({Shorten(item.name()), TitleOf(session, item.title()), item.base_unit(),
                          absl::StrJoin(measures, " "), absl::StrJoin(kinds, " ")});
  }
  PrintRows(session, table, response);
}

void ListLots(Session& session, const ReadOptions& options) {
  pb::ListLotsRequest request;
  request.set_parent(AddCollection("items", options.name));
  pb::ListLotsResponse response;
  if (!ReadRows(
          session, absl::StrCat(kLedger, "ListLots"), request, options.row_count_max, response,
          [](auto& list) -> auto& { return *list.mutable_lots(); })) {
    return;
  }
  Table table{.columns = {{.title = session.Say("lot", "批次")},
                          {.title = session.Say("from", "来源")},
                          {.title = session.Say("with", "来源单据")},
                          {.title = session.Say("owner", "所有单位")},
                          {.title = session.Say("last day of use", "有效期至")}}};
  for (const pb::Lot& lot : response.lots()) {
    table.rows.push_back({Shorten(lot.name()), pb::Lot::Origin_Name(lot.origin()),
                          lot.origin_reference(), Shorten(lot.owner()), lot.expiry_date()});
  }
  PrintRows(session, table, response);
}

void ListBalances(Session& session, const ReadOptions& options) {
  pb::ListBalancesRequest request;
  request.set_unit(AddCollection("units", options.name));
  if (!options.item.empty()) request.set_item(AddCollection("items", options.item));
  if (!options.lot.empty()) {
    const std::optional<std::string> lot = ParseLot(options.lot);
    if (!lot.has_value()) {
      return session.FailUsage(
          absl::StrCat("\"", options.lot, "\": --lot is written ITEM/LOT, as mask/supplier-1"));
    }
    request.set_lot(*lot);
  }
  pb::AccountState state = pb::ACCOUNT_STATE_UNSPECIFIED;
  if (!options.state.empty() && !pb::AccountState_Parse(options.state, &state)) {
    return session.FailUsage(absl::StrCat("there is no state ", options.state,
                                          "; for instance AVAILABLE, IN_TRANSIT, CONSUMED"));
  }
  request.set_state(state);
  if (!SetAsOf(session, *options.as_of, request)) return;
  pb::ListBalancesResponse response;
  if (!ReadRows(
          session, absl::StrCat(kLedger, "ListBalances"), request, options.row_count_max, response,
          [](auto& list) -> auto& { return *list.mutable_balances(); })) {
    return;
  }
  Table table{.columns = {{.title = session.Say("location", "地点")},
                          {.title = session.Say("state", "状态")},
                          {.title = session.Say("lot", "批次")},
                          {.title = session.Say("quantity", "数量"), .is_number = true},
                          {.title = session.Say("in", "计量单位")},
                          {.title = session.Say("held for", "单据")}}};
  for (const pb::Balance& balance : response.balances()) {
    table.rows.push_back({Shorten(balance.account().location()),
                          pb::AccountState_Name(balance.account().state()), Shorten(balance.lot()),
                          session.is_table() ? RenderCount(balance.base_quantity())
                                             : absl::StrCat(balance.base_quantity()),
                          balance.base_unit(), balance.account().holder()});
  }
  PrintRows(session, table, response);
}

void ListMovements(Session& session, const ReadOptions& options) {
  pb::ListMovementsRequest request;
  request.set_unit(AddCollection("units", options.name));
  if (!options.item.empty()) request.set_item(AddCollection("items", options.item));
  if (!SetAsOf(session, *options.as_of, request)) return;
  pb::ListMovementsResponse response;
  if (!ReadRows(
          session, absl::StrCat(kLedger, "ListMovements"), request, options.row_count_max, response,
          [](auto& list) -> auto& { return *list.mutable_movements(); })) {
    return;
  }
  Table table{.columns = {{.title = session.Say("movement", "记录")},
                          {.title = session.Say("happened", "发生时间")},
                          {.title = session.Say("reason", "事由")},
                          {.title = session.Say("paper", "单据")},
                          {.title = session.Say("lot", "批次")},
                          {.title = session.Say("from", "自")},
                          {.title = session.Say("to", "至")},
                          {.title = session.Say("amount", "数量"), .is_number = true},
                          {.title = session.Say("in", "单位")}}};
  for (const pb::Movement& movement : response.movements()) {
    const pb::SourceDocument& paper = movement.source_document();
    const std::string document =
        movement.has_source_document()
            ? absl::StrCat(paper.issuer(), "/", paper.number(), "/", paper.line())
            : movement.document();
    for (const pb::MovementLine& line : movement.lines()) {
      const auto end = [](const pb::Account& account) {
        return absl::StrCat(Shorten(account.location()), " ",
                            pb::AccountState_Name(account.state()));
      };
      table.rows.push_back({Shorten(movement.name()), RenderTime(movement.occurred_time()),
                            pb::MovementReason_Name(movement.reason()), document,
                            Shorten(line.lot()), end(line.source()), end(line.destination()),
                            absl::StrCat(line.quantity().amount()), line.quantity().unit()});
    }
  }
  PrintRows(session, table, response);
}

// Adds one listing command.
CLI::App* AddList(CLI::App& app, Session& session, const char* name, const char* description,
                  void (*list)(Session&, const ReadOptions&),
                  const std::shared_ptr<ReadOptions>& options) {
  CLI::App* command = app.add_subcommand(name, description);
  command->add_option("--limit", options->row_count_max, "at most so many")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->callback([&session, list, options] { list(session, *options); });
  return command;
}

std::shared_ptr<ReadOptions> WithLimit(int row_count_max) {
  auto options = std::make_shared<ReadOptions>();
  options->row_count_max = row_count_max;
  return options;
}

}  // namespace

void AddReads(CLI::App& app, Session& session) {
  auto options = WithLimit(10000);
  AddList(app, session, "units", "the tree of units", ListUnits, options)
      ->add_option("root", options->name, "only this unit and those beneath it");
  options = WithLimit(10000);
  AddList(app, session, "locations", "where a unit keeps things", ListLocations, options)
      ->add_option("unit", options->name, "the unit")
      ->required();
  options = WithLimit(10000);
  AddList(app, session, "items", "what can be kept", ListItems, options);
  options = WithLimit(10000);
  AddList(app, session, "lots", "the lots of an item, first to expire first", ListLots, options)
      ->add_option("item", options->name, "the item")
      ->required();
  options = WithLimit(10000);
  CLI::App* balances =
      AddList(app, session, "balances", "what the accounts of a unit hold", ListBalances, options);
  balances->add_option("unit", options->name, "the unit")->required();
  AddAsOf(*balances, options->as_of);
  balances->add_option("--item", options->item, "only this item");
  balances->add_option("--lot", options->lot, "only this lot, ITEM/LOT");
  balances->add_option("--state", options->state, "only this state");
  options = WithLimit(100);
  CLI::App* movements =
      AddList(app, session, "movements", "what moved, newest first", ListMovements, options);
  movements->add_option("unit", options->name, "from or to this unit or beneath it")->required();
  AddAsOf(*movements, options->as_of);
  movements->add_option("--item", options->item, "only this item");
}

}  // namespace quartermaster::qmctl
