#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "qmctl/commands/as_of.h"
#include "qmctl/commands/commands.h"
#include "qmctl/commands/lines.h"
#include "qmctl/import/names.h"
#include "qmctl/io/display.h"
#include "quartermaster/inventory/v1/ledger.pb.h"

namespace quartermaster::qmctl {
namespace {

struct TraceOptions {
  std::string lot;
  bool is_backwards = false;
  int movement_count_max = 10'000;
  std::shared_ptr<AsOfOptions> as_of = std::make_shared<AsOfOptions>();
};

// Reads pages into one answer until there are no more or it has as many movements as are wanted.
bool ReadTrace(Session& session, pb::TraceLotRequest request, int movement_count_max,
               pb::TraceLotResponse& all) {
  do {
    request.set_page_size(std::min(1000, movement_count_max - all.movements_size()));
    pb::TraceLotResponse page;
    if (!session.Call("quartermaster.inventory.v1.Ledger/TraceLot", request, page)) return false;
    request.set_page_token(page.next_page_token());
    all.MergeFrom(page);
    all.set_next_page_token(page.next_page_token());
  } while (!request.page_token().empty() && all.movements_size() < movement_count_max);
  return true;
}

std::string EndOf(const pb::Account& account) {
  return absl::StrCat(Shorten(account.location()), " ", pb::AccountState_Name(account.state()));
}

std::string PaperOf(const pb::Movement& movement) {
  if (!movement.has_source_document()) return movement.document();
  const pb::SourceDocument& paper = movement.source_document();
  return absl::StrCat(paper.issuer(), "/", paper.number(), "/", paper.line());
}

std::string RemarkOn(const Session& session, const pb::Movement& movement) {
  if (!movement.reversed_by().empty()) return session.Say("reversed", "已冲正");
  if (!movement.reverses().empty()) {
    return absl::StrCat(session.Say("reverses ", "冲正 "), Shorten(movement.reverses()));
  }
  if (movement.withheld_line_count() > 0) return session.Say("more elsewhere", "另有他处");
  return "";
}

Table StepsOf(const Session& session, const pb::TraceLotResponse& trace) {
  Table table{.columns = {{.title = session.Say("happened", "发生时间")},
                          {.title = session.Say("reason", "事由")},
                          {.title = session.Say("from", "自")},
                          {.title = session.Say("to", "至")},
                          {.title = session.Say("quantity", "数量"), .is_number = true},
                          {.title = session.Say("by", "单据")},
                          {.title = session.Say("movement", "记录")},
                          {.title = session.Say("remark", "备注")}}};
  for (const pb::Movement& movement : trace.movements()) {
    for (const pb::MovementLine& line : movement.lines()) {
      table.rows.push_back(
          {RenderTime(movement.occurred_time()), pb::MovementReason_Name(movement.reason()),
           EndOf(line.source()), EndOf(line.destination()),
           session.is_table() ? RenderCount(line.base_quantity())
                              : absl::StrCat(line.base_quantity()),
           PaperOf(movement), Shorten(movement.name()), RemarkOn(session, movement)});
    }
  }
  return table;
}

// `received 180 piece = 156 on hand + 10 on the way + 9 used + 5 lost`. Who sees some units alone
// may see more leave than was received: the rest came from other units.
std::string SumOf(const Session& session, const pb::LotTotals& totals) {
  const std::vector<std::pair<int64_t, std::string>> parts = {
      {totals.in_transit_quantity(), session.Say("on the way", "在途")},
      {totals.in_use_quantity(), session.Say("in use", "在用")},
      {totals.consumed_quantity(), session.Say("used", "已消耗")},
      {totals.sold_quantity(), session.Say("sold", "已售")},
      {totals.given_quantity(), session.Say("given away", "已外发")},
      {totals.lost_quantity(), session.Say("lost", "丢失")},
      {totals.expired_quantity(), session.Say("expired", "过期核销")},
      {totals.destroyed_quantity(), session.Say("destroyed", "销毁")},
      {std::max<int64_t>(totals.elsewhere_quantity(), 0),
       session.Say("with other units", "在其他单位")}};
  std::vector<std::string> sum = {
      absl::StrCat(RenderCount(totals.on_hand_quantity()), " ", session.Say("on hand", "在库"))};
  for (const auto& [quantity, what] : parts) {
    if (quantity != 0) sum.push_back(absl::StrCat(RenderCount(quantity), " ", what));
  }
  std::string received =
      absl::StrCat(session.Say("received ", "收入 "), RenderCount(totals.received_quantity()), " ",
                   totals.base_unit());
  if (totals.elsewhere_quantity() < 0) {
    absl::StrAppend(&received, session.Say(" + came from other units ", " + 来自其他单位 "),
                    RenderCount(-totals.elsewhere_quantity()), " ", totals.base_unit());
  }
  return absl::StrCat(received, " = ", absl::StrJoin(sum, " + "));
}

// Tells whether the movements leave in each account that is listed what it holds.
bool AddsUp(const pb::TraceLotResponse& trace) {
  std::map<std::string, int64_t> left;
  const auto key = [](const pb::Account& account) { return account.SerializeAsString(); };
  for (const pb::Movement& movement : trace.movements()) {
    for (const pb::MovementLine& line : movement.lines()) {
      left[key(line.source())] -= line.base_quantity();
      left[key(line.destination())] += line.base_quantity();
    }
  }
  for (const pb::Balance& balance : trace.balances()) {
    if (left[key(balance.account())] != balance.base_quantity()) return false;
  }
  return true;
}

void PrintStory(Session& session, const pb::TraceLotResponse& trace) {
  const pb::Lot& lot = trace.lot();
  std::cout << Shorten(lot.name()) << ": " << pb::Lot::Origin_Name(lot.origin());
  if (!lot.origin_reference().empty()) {
    std::cout << " " << EscapeControls(lot.origin_reference());
  }
  std::cout << session.Say(", owned by ", "，所有单位 ") << Shorten(lot.owner());
  if (!lot.expiry_date().empty()) {
    std::cout << session.Say(", last day of use ", "，有效期至 ") << lot.expiry_date();
  }
  std::cout << "\n\n" << RenderTable(StepsOf(session, trace)) << "\n";
  std::cout << SumOf(session, trace.totals()) << "\n";
  // Not only where it is now: also where it came from, below zero, and where it went.
  Table places{.columns = {{.title = session.Say("account", "账户")},
                           {.title = session.Say("balance", "余额"), .is_number = true},
                           {.title = session.Say("held for", "单据")}}};
  for (const pb::Balance& balance : trace.balances()) {
    places.rows.push_back({EndOf(balance.account()), RenderCount(balance.base_quantity()),
                           balance.account().holder()});
  }
  std::cout << RenderTable(places);
  if (trace.has_sealed_moment()) {
    std::cout << session.Say("As of record ", "截至记录 ")
              << RenderCount(trace.sealed_moment().sequence())
              << session.Say(", closed up to ", "，已封至 ")
              << RenderTime(trace.sealed_moment().closed_time())
              << session.Say("; what was posted later is not in it yet.\n",
                             "；此后入账的尚未计入。\n");
  }
  if (!trace.next_page_token().empty()) {
    std::cout << session.Say("There are more movements: see --limit.\n",
                             "还有更多记录，见 --limit。\n");
  }
}

void Trace(Session& session, const TraceOptions& options) {
  const std::optional<std::string> lot = ParseLot(options.lot);
  if (!lot.has_value()) {
    return session.FailUsage(absl::StrCat("\"", options.lot, "\": write ITEM/LOT"));
  }
  pb::TraceLotRequest request;
  request.set_name(*lot);
  if (options.is_backwards) request.set_direction(pb::TraceLotRequest::BACK_TO_SOURCE);
  if (!SetAsOf(session, *options.as_of, request)) return;
  pb::TraceLotResponse trace;
  if (!ReadTrace(session, request, options.movement_count_max, trace)) return;
  if (session.is_table()) {
    PrintStory(session, trace);
  } else {
    session.Print(StepsOf(session, trace), trace);
  }
  if (trace.next_page_token().empty() && !AddsUp(trace)) {
    session.Fail(absl::FailedPreconditionError(
        session.Say("the movements do not add up to what is there", "各记录之和与现存数量不符")));
  }
}

}  // namespace

void AddTrace(CLI::App& app, Session& session) {
  auto options = std::make_shared<TraceOptions>();
  CLI::App* command =
      app.add_subcommand("trace", "where a lot came from, which way it went, what became of it");
  command->add_option("lot", options->lot, "ITEM/LOT")->required();
  command->add_flag("--back", options->is_backwards, "the latest first, back to the source");
  command->add_option("--limit", options->movement_count_max, "at most so many movements")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  AddAsOf(*command, options->as_of);
  command->callback([&session, options] { Trace(session, *options); });
}

}  // namespace quartermaster::qmctl
