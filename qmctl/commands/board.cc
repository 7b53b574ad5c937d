#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "qmctl/commands/as_of.h"
#include "qmctl/commands/commands.h"
#include "qmctl/commands/lines.h"
#include "qmctl/import/names.h"
#include "qmctl/io/display.h"
#include "quartermaster/gateway/v1/overview.pb.h"
#include "quartermaster/inventory/v1/units.pb.h"

namespace quartermaster::qmctl {
namespace {

struct BoardOptions {
  std::string unit;
  int expiring_days = 30;
  bool has_details = false;
  std::vector<std::string> items;
  std::shared_ptr<AsOfOptions> as_of = std::make_shared<AsOfOptions>();
};

// Asks which unit stands above all that the caller may see.
std::optional<std::string> FindTopUnit(Session& session) {
  pb::ListUnitsRequest request;
  request.set_page_size(1000);
  pb::ListUnitsResponse response;
  if (!session.Call("quartermaster.inventory.v1.Units/ListUnits", request, response)) {
    return std::nullopt;
  }
  std::set<std::string> names;
  for (const pb::Unit& unit : response.units()) names.insert(unit.name());
  for (const pb::Unit& unit : response.units()) {
    if (!names.contains(unit.parent())) return unit.name();
  }
  session.FailUsage(session.Say("there is no unit yet; try qmctl import --help",
                                "还没有任何单位；参见 qmctl import --help"));
  return std::nullopt;
}

// What one run of the board shows. Not thread-safe.
class Board {
 public:
  Board(const Session& session, const gateway::v1::Situation& situation)
      : session_(session), situation_(situation) {
    for (const auto& title : situation.titles()) {
      const bool is_english = session.language() == Language::kEnglish;
      const auto& [zh, en] = std::pair(title.title().zh(), title.title().en());
      titles_[title.name()] = is_english && !en.empty() ? en : zh;
    }
  }

  // Every line with every number; of `items` alone unless there are none.
  Table Details(const std::vector<std::string>& items) const {
    const auto say = [this](const char* english, const char* chinese) {
      return session_.Say(english, chinese);
    };
    Table table{.columns = {{.title = say("unit", "单位")},
                            {.title = say("item", "物资")},
                            {.title = say("available", "可用"), .is_number = true},
                            {.title = say("reserved", "预留"), .is_number = true},
                            {.title = say("quarantine", "待检"), .is_number = true},
                            {.title = say("on the way", "在途"), .is_number = true},
                            {.title = say("expiring", "临期"), .is_number = true},
                            {.title = say("in", "计量单位")}}};
    if (!session_.is_table()) {
      // A program that reads on wants names that do not change with the language.
      table.columns.push_back({.title = say("unit name", "单位编号")});
      table.columns.push_back({.title = say("item name", "物资编号")});
    }
    for (const pb::StockLine& line : situation_.stock()) {
      if (!items.empty() && std::ranges::find(items, line.item()) == items.end()) continue;
      table.rows.push_back({TitleOf(line.unit()), TitleOf(line.item()), Count(line.available()),
                            Count(line.reserved()), Count(line.quarantine()),
                            Count(line.in_transit()), Count(line.expiring_soon()),
                            line.base_unit()});
      if (session_.is_table()) continue;
      table.rows.back().push_back(line.unit());
      table.rows.back().push_back(line.item());
    }
    return table;
  }

  // A row for each unit, a column for each item: what is available, `+` what is on the way.
  Table Matrix(const std::vector<std::string>& items) const {
    Table table{.columns = {{.title = session_.Say("unit", "单位")}}};
    std::map<std::string, size_t> positions;
    std::map<std::string, std::string> base_units;
    for (const pb::StockLine& line : situation_.stock()) base_units[line.item()] = line.base_unit();
    for (const std::string& item : items) {
      positions[item] = table.columns.size();
      const std::string& base_unit = base_units[item];
      const bool is_counted = base_unit.empty() || base_unit == "piece";
      table.columns.push_back(
          {.title = is_counted ? TitleOf(item) : absl::StrCat(TitleOf(item), " (", base_unit, ")"),
           .is_number = true});
    }
    struct Sum {
      int64_t available = 0;
      int64_t in_transit = 0;
    };
    std::vector<Sum> sums(table.columns.size());
    std::string open_unit;
    for (const pb::StockLine& line : situation_.stock()) {
      if (table.rows.empty() || line.unit() != open_unit) {
        open_unit = line.unit();
        table.rows.emplace_back(table.columns.size(), "·");
        table.rows.back()[0] = TitleOf(open_unit);
      }
      const auto found = positions.find(line.item());
      if (found == positions.end()) continue;
      table.rows.back()[found->second] = CellOf(line.available(), line.in_transit());
      sums[found->second].available += line.available();
      sums[found->second].in_transit += line.in_transit();
    }
    table.rows.emplace_back(table.columns.size());
    table.rows.back()[0] = session_.Say("TOTAL", "合计");
    for (size_t i = 1; i < sums.size(); ++i) {
      table.rows.back()[i] = CellOf(sums[i].available, sums[i].in_transit);
    }
    return table;
  }

  // The items that anybody has, those that most units have first.
  std::vector<std::string> Items() const {
    std::map<std::string, int> unit_counts;
    for (const pb::StockLine& line : situation_.stock()) ++unit_counts[line.item()];
    std::vector<std::string> items;
    for (const auto& [item, unit_count] : unit_counts) items.push_back(item);
    std::ranges::stable_sort(items, std::greater(),
                             [&](const std::string& item) { return unit_counts[item]; });
    return items;
  }

  std::string TitleOf(const std::string& name) const {
    const auto found = titles_.find(name);
    return found == titles_.end() ? Shorten(name) : found->second;
  }

 private:
  std::string CellOf(int64_t available, int64_t in_transit) const {
    if (in_transit <= 0) return Count(available);
    return absl::StrCat(Count(available), "+", Count(in_transit));
  }

  std::string Count(int64_t count) const {
    return session_.is_table() ? RenderCount(count) : absl::StrCat(count);
  }

  const Session& session_;
  const gateway::v1::Situation& situation_;
  std::map<std::string, std::string> titles_;
};

// Columns of the terminal, or as many as one likes when the output goes elsewhere.
int TerminalWidth() {
  winsize size = {};
  if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 1 << 20;
  return size.ws_col == 0 ? 80 : size.ws_col;
}

int WidthOf(const Table& table) {
  const std::string text = RenderTable(table);
  int width = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    width = std::max(width, DisplayWidth(absl::string_view(text).substr(begin, end - begin)));
    begin = end + 1;
  }
  return width;
}

// Prints as many items as fit, and says which do not.
void PrintMatrix(const Session& session, const Board& board, std::vector<std::string> items,
                 bool may_cut) {
  std::vector<std::string> left_out;
  Table table = board.Matrix(items);
  while (may_cut && items.size() > 1 && WidthOf(table) > TerminalWidth()) {
    left_out.insert(left_out.begin(), board.TitleOf(items.back()));
    items.pop_back();
    table = board.Matrix(items);
  }
  std::cout << RenderTable(table);
  if (!left_out.empty()) {
    std::cout << session.Say("Not shown for want of room: ", "因宽度所限未显示：")
              << EscapeControls(absl::StrJoin(left_out, session.Say(", ", "、")))
              << session.Say(" (--details, --items)\n", "（--details、--items）\n");
  }
}

void TellMissingParts(Session& session, const gateway::v1::Situation& situation) {
  for (const auto& part : situation.missing_parts()) {
    std::cerr << session.Say("Missing: ", "缺失：") << EscapeControls(part.part()) << " ("
              << EscapeControls(part.service()) << ", " << session.Say("since ", "自 ")
              << RenderTime(part.since_time()) << "): " << EscapeControls(part.message()) << "\n";
    if (part.part() == "stock") session.exit_code = ExitCode::kUnreachable;
  }
}

// Names the items that were asked for and that nobody has: they may be misspelled.
void TellItemsOfNobody(const Session& session, const std::vector<std::string>& items,
                       const gateway::v1::Situation& situation) {
  if (!situation.missing_parts().empty()) return;
  for (const std::string& item : items) {
    if (std::ranges::find(situation.stock(), item, &pb::StockLine::item) !=
        situation.stock().end()) {
      continue;
    }
    std::cerr << session.Say("Nobody has any ", "均无库存：") << EscapeControls(Shorten(item))
              << session.Say("; qmctl items lists what there is.\n", "；物资见 qmctl items。\n");
  }
}

// Takes the lines of all other items out.
void KeepItems(const std::vector<std::string>& items, gateway::v1::Situation& situation) {
  auto& stock = *situation.mutable_stock();
  const auto others = std::remove_if(stock.begin(), stock.end(), [&](const pb::StockLine& line) {
    return std::ranges::find(items, line.item()) == items.end();
  });
  stock.erase(others, stock.end());
}

// Asks for the situation, page by page. False if a page is not answered.
bool ReadSituation(Session& session, gateway::v1::GetSituationRequest& request,
                   gateway::v1::Situation& situation) {
  std::set<std::string> titled;
  do {
    gateway::v1::Situation page;
    if (!session.Call("quartermaster.gateway.v1.Overview/GetSituation", request, page)) {
      return false;
    }
    request.set_page_token(page.next_page_token());
    auto& titles = *page.mutable_titles();
    const auto known = std::remove_if(titles.begin(), titles.end(), [&](const auto& title) {
      return !titled.insert(title.name()).second;
    });
    titles.erase(known, titles.end());
    // The board is as old as its oldest page.
    if (situation.has_read_time()) *page.mutable_read_time() = situation.read_time();
    situation.MergeFrom(page);
  } while (!request.page_token().empty());
  situation.clear_next_page_token();
  return true;
}

void RunBoard(Session& session, const BoardOptions& options) {
  gateway::v1::GetSituationRequest request;
  if (!options.unit.empty()) {
    const std::optional<std::string> unit = ParseName("units", options.unit);
    if (!unit.has_value()) return session.FailUsage("--unit is written units/east-bureau");
    request.set_unit(*unit);
  } else if (const std::optional<std::string> top = FindTopUnit(session); top.has_value()) {
    request.set_unit(*top);
  } else {
    return;
  }
  request.set_expiring_days(options.expiring_days);
  if (!SetAsOf(session, *options.as_of, request)) return;
  gateway::v1::Situation situation;
  if (!ReadSituation(session, request, situation)) return;

  std::vector<std::string> items;
  for (const std::string& item : options.items) {
    items.push_back(ParseName("items", item).value_or(item));
  }
  TellItemsOfNobody(session, items, situation);
  const Board board(session, situation);
  if (!session.is_table() || options.has_details) {
    if (session.is_json() && !items.empty()) KeepItems(items, situation);
    session.Print(board.Details(items), situation);
  } else {
    PrintMatrix(session, board, items.empty() ? board.Items() : items, items.empty());
    std::cout << session.Say("Available, + on the way; as of ", "可用数，+ 为在途；截至 ")
              << RenderTime(request.as_of().has_occurred_time() ? request.as_of().occurred_time()
                            : request.has_as_of()               ? request.as_of().record_time()
                                                                : situation.read_time())
              << "\n";
  }
  TellMissingParts(session, situation);
}

}  // namespace

void AddBoard(CLI::App& app, Session& session) {
  auto options = std::make_shared<BoardOptions>();
  CLI::App* board = app.add_subcommand("board", "what every unit has, on one page");
  AddAsOf(*board, options->as_of);
  board->add_option("--unit", options->unit, "only this unit and those beneath it");
  board->add_option("--expiring-days", options->expiring_days, "what expires within so many days")
      ->capture_default_str();
  board->add_flag("--details", options->has_details, "one line for each unit and item");
  board->add_option("--items", options->items, "only these, parted by commas")->delimiter(',');
  board->callback([&session, options] { RunBoard(session, *options); });
}

}  // namespace quartermaster::qmctl
