#include <memory>

#include "absl/strings/str_cat.h"
#include "qmctl/commands/commands.h"
#include "qmctl/commands/lines.h"
#include "qmctl/import/names.h"
#include "quartermaster/inventory/v1/ledger.pb.h"

namespace quartermaster::qmctl {
namespace {

struct SuggestOptions {
  std::string place;
  std::string item;
  std::string quantity;
  std::string good_until;
};

// `good_until` is the day that was asked for; empty for today.
std::string ReasonOf(const Session& session, pb::PassedOverLot::Reason reason,
                     const std::string& good_until) {
  switch (reason) {
    case pb::PassedOverLot::EXPIRED:
      if (!good_until.empty()) {
        return absl::StrCat(session.Say("passed over: not good until ", "不取：有效期不足至 "),
                            good_until);
      }
      return session.Say("passed over: expired", "不取：已过期");
    case pb::PassedOverLot::IN_QUARANTINE:
      return session.Say("passed over: in quarantine", "不取：待检隔离");
    case pb::PassedOverLot::PROMISED:
      return session.Say("passed over: promised", "不取：已预留");
    case pb::PassedOverLot::NOT_NEEDED:
      return session.Say("not needed", "不需要");
    default:
      return pb::PassedOverLot::Reason_Name(reason);
  }
}

void Suggest(Session& session, const SuggestOptions& options) {
  const std::optional<std::string> place = ParsePlace(options.place);
  if (!place.has_value()) {
    return session.FailUsage(absl::StrCat("\"", options.place, "\": write UNIT/LOCATION"));
  }
  const absl::StatusOr<type::v1::Quantity> quantity = ParseQuantity(options.quantity);
  if (!quantity.ok()) return session.FailUsage(std::string(quantity.status().message()));
  pb::SuggestLotsRequest request;
  request.set_location(*place);
  request.set_item(AddCollection("items", options.item));
  *request.mutable_quantity() = *quantity;
  request.set_good_until_date(options.good_until);
  pb::SuggestLotsResponse response;
  if (!session.Call("quartermaster.inventory.v1.Ledger/SuggestLots", request, response)) return;
  Table table{.columns = {{.title = session.Say("lot", "批次")},
                          {.title = session.Say("last day of use", "有效期至")},
                          {.title = session.Say("quantity", "数量"), .is_number = true},
                          {.title = session.Say("in", "计量单位")},
                          {.title = session.Say("what to do", "说明")}}};
  const auto add = [&](const auto& lot, const std::string& what) {
    table.rows.push_back(
        {Shorten(lot.lot()), lot.expiry_date(),
         session.is_table() ? RenderCount(lot.base_quantity()) : absl::StrCat(lot.base_quantity()),
         response.base_unit(), what});
  };
  for (const pb::LotPick& pick : response.picks()) add(pick, session.Say("take", "取用"));
  for (const pb::PassedOverLot& lot : response.passed_over()) {
    add(lot, ReasonOf(session, lot.reason(), options.good_until));
  }
  if (response.missing_base_quantity() > 0) {
    table.rows.push_back({session.Say("missing", "缺口"), "",
                          session.is_table() ? RenderCount(response.missing_base_quantity())
                                             : absl::StrCat(response.missing_base_quantity()),
                          response.base_unit(), ""});
  }
  session.Print(table, response);
}

}  // namespace

void AddSuggest(CLI::App& app, Session& session) {
  auto options = std::make_shared<SuggestOptions>();
  CLI::App* command =
      app.add_subcommand("suggest", "from which lots to take goods: first expired, first out");
  command->add_option("place", options->place, "UNIT/LOCATION")->required();
  command->add_option("item", options->item, "the item")->required();
  command->add_option("quantity", options->quantity, "AMOUNT or AMOUNT:UNIT")->required();
  command->add_option("--good-until", options->good_until,
                      "the day on which they must still be usable, YYYY-MM-DD; today by default");
  command->callback([&session, options] { Suggest(session, *options); });
}

}  // namespace quartermaster::qmctl
