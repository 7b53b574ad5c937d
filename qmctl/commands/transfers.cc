#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "qmctl/commands/as_of.h"
#include "qmctl/commands/commands.h"
#include "qmctl/commands/lines.h"
#include "qmctl/commands/read_rows.h"
#include "qmctl/import/names.h"
#include "qmctl/io/display.h"
#include "quartermaster/inventory/v1/ledger.pb.h"
#include "quartermaster/inventory/v1/transfers.pb.h"

namespace quartermaster::qmctl {
namespace {

constexpr char kTransfers[] = "quartermaster.inventory.v1.Transfers/";

struct TransferOptions {
  std::string name;
  std::string source;
  std::string destination;
  std::string unit;
  std::vector<std::string> lines;
  std::string waybill;
  std::string note;
  std::string paper;
  std::string occurred_time;
  std::string etag;
  std::string request_id;
  bool is_waiting_for_me = false;
  int row_count_max = 1000;
  std::shared_ptr<AsOfOptions> as_of = std::make_shared<AsOfOptions>();
};

Table TableOf(const Session& session,
              const google::protobuf::RepeatedPtrField<pb::Transfer>& transfers) {
  Table table{.columns = {{.title = session.Say("transfer", "调拨单")},
                          {.title = session.Say("state", "状态")},
                          {.title = session.Say("from", "自")},
                          {.title = session.Say("to", "至")},
                          {.title = session.Say("lines", "行"), .is_number = true},
                          {.title = session.Say("waybill", "运单")},
                          {.title = session.Say("changed", "更新时间")}}};
  for (const pb::Transfer& transfer : transfers) {
    table.rows.push_back({Shorten(transfer.name()), pb::TransferState_Name(transfer.state()),
                          Shorten(transfer.source()), Shorten(transfer.destination()),
                          absl::StrCat(transfer.lines_size()), transfer.waybill(),
                          RenderTime(transfer.update_time())});
  }
  return table;
}

// What became of what was short, and who said so.
struct Resolution {
  struct Line {
    int64_t found = 0;
    int64_t returned = 0;
    int64_t lost = 0;
  };
  // By the lot: no transfer has one twice.
  std::map<std::string, Line> lines;
  std::string resolver;
};

// Returns what the movements of a transfer tell of its resolution. Nothing if it is not resolved,
// if nothing was short, or if the caller may not read its movements.
std::optional<Resolution> FindResolution(const Session& session, const pb::Transfer& transfer) {
  const bool was_short = std::ranges::any_of(
      transfer.lines(), [](const pb::TransferLine& line) { return line.short_() > 0; });
  if (transfer.state() != pb::CLOSED || !was_short) return std::nullopt;
  Resolution resolution;
  for (const pb::TransferLine& line : transfer.lines()) {
    resolution.lines[line.lot()].found = -line.accepted();
  }
  for (const std::string& name : transfer.movements()) {
    pb::GetMovementRequest request;
    request.set_name(name);
    pb::Movement movement;
    if (!session.TryCall("quartermaster.inventory.v1.Ledger/GetMovement", request, movement)) {
      return std::nullopt;
    }
    if (movement.reason() != pb::ARRIVE) continue;
    resolution.resolver = movement.caller();
    for (const pb::MovementLine& line : movement.lines()) {
      Resolution::Line& told = resolution.lines[line.lot()];
      if (line.destination().state() == pb::LOST) {
        told.lost += line.base_quantity();
      } else if (line.destination().location() == transfer.source()) {
        told.returned += line.base_quantity();
      } else if (line.destination().state() == pb::AVAILABLE) {
        told.found += line.base_quantity();
      }
    }
  }
  return resolution;
}

// Says who took which step, as far as it has come.
void PrintPersons(const Session& session, const pb::Transfer& transfer,
                  const std::string& resolver) {
  const std::vector<std::pair<std::string, std::string>> persons = {
      {session.Say("written by", "开单"), transfer.creator()},
      {session.Say("sent by", "发出"), transfer.dispatcher()},
      {session.Say("signed for by", "签收"), transfer.receiver()},
      {session.Say("resolved by", "核销差异"), resolver}};
  for (const auto& [what, person] : persons) {
    if (!person.empty()) std::cout << what << " " << EscapeControls(person) << "\n";
  }
}

void PrintTransfer(Session& session, const pb::Transfer& transfer) {
  const std::optional<Resolution> resolution = FindResolution(session, transfer);
  if (session.is_table()) {
    google::protobuf::RepeatedPtrField<pb::Transfer> alone;
    *alone.Add() = transfer;
    session.Print(TableOf(session, alone), transfer);
    PrintPersons(session, transfer, resolution.has_value() ? resolution->resolver : "");
  }
  Table table{.columns = {{.title = session.Say("line", "行"), .is_number = true},
                          {.title = session.Say("lot", "批次")},
                          {.title = session.Say("amount", "数量"), .is_number = true},
                          {.title = session.Say("in", "单位")},
                          {.title = session.Say("sent", "发出"), .is_number = true},
                          {.title = session.Say("accepted", "实收"), .is_number = true},
                          {.title = session.Say("damaged", "损坏"), .is_number = true},
                          {.title = session.Say("short", "短少"), .is_number = true}}};
  // A program that reads on wants columns that do not change with the state.
  const bool has_resolution = resolution.has_value() || !session.is_table();
  if (has_resolution) {
    table.columns.push_back({.title = session.Say("found", "找到"), .is_number = true});
    table.columns.push_back({.title = session.Say("returned", "退回"), .is_number = true});
    table.columns.push_back({.title = session.Say("lost", "丢失"), .is_number = true});
  }
  const bool was_sent = transfer.state() != pb::DRAFT && transfer.state() != pb::CANCELLED;
  for (const pb::TransferLine& line : transfer.lines()) {
    table.rows.push_back(
        {absl::StrCat(line.line()), Shorten(line.lot()), absl::StrCat(line.quantity().amount()),
         line.quantity().unit(), absl::StrCat(was_sent ? line.base_quantity() : 0),
         absl::StrCat(line.accepted()), absl::StrCat(line.damaged()), absl::StrCat(line.short_())});
    if (!has_resolution) continue;
    const Resolution::Line told =
        resolution.has_value() ? resolution->lines.at(line.lot()) : Resolution::Line();
    for (const int64_t quantity : {told.found, told.returned, told.lost}) {
      table.rows.back().push_back(absl::StrCat(quantity));
    }
  }
  if (session.is_table()) std::cout << "\n";
  session.Print(table, transfer);
}

// Says when a step was taken, if the person did. False if that cannot be read.
template <typename Request>
bool SetOccurredTime(Session& session, const TransferOptions& options, Request& request) {
  if (options.occurred_time.empty()) return true;
  const absl::StatusOr<google::protobuf::Timestamp> time = ParseOccurredTime(options.occurred_time);
  if (!time.ok()) {
    session.FailUsage(time.status().message());
    return false;
  }
  *request.mutable_occurred_time() = *time;
  return true;
}

// Makes one write, prints what it answers, and on an unknown outcome tells how to ask again.
template <typename Request>
void Write(Session& session, const TransferOptions& options, const char* method, Request& request) {
  request.set_request_id(options.request_id.empty() ? MakeRequestId() : options.request_id);
  pb::Transfer transfer;
  if (session.Call(absl::StrCat(kTransfers, method), request, transfer)) {
    PrintTransfer(session, transfer);
  } else if (session.exit_code == ExitCode::kUnreachable) {
    std::cerr << session.Say("Same again: --request-id ", "再次执行：--request-id ")
              << request.request_id() << " --etag '" << options.etag << "'\n";
  }
}

// Fills in the name, and the etag of the transfer as it is now unless the person gave one: a person
// who looked at it an hour ago should say which state they saw.
template <typename Request>
bool Address(Session& session, TransferOptions& options, Request& request) {
  request.set_name(AddCollection("transfers", options.name));
  if (options.etag.empty()) {
    pb::GetTransferRequest get;
    get.set_name(request.name());
    pb::Transfer transfer;
    if (!session.Call(absl::StrCat(kTransfers, "GetTransfer"), get, transfer)) return false;
    options.etag = transfer.etag();
  }
  request.set_etag(options.etag);
  return true;
}

void RunCreate(Session& session, const TransferOptions& options) {
  pb::CreateTransferRequest request;
  const std::optional<std::string> source = ParsePlace(options.source);
  const std::optional<std::string> destination = ParsePlace(options.destination);
  if (!source.has_value() || !destination.has_value()) {
    return session.FailUsage("a place is written UNIT/LOCATION, as east-bureau/store");
  }
  request.set_source(*source);
  request.set_destination(*destination);
  for (const std::string& word : options.lines) {
    const absl::StatusOr<LotAmount> amount = ParseLotAmount(word);
    if (!amount.ok()) return session.FailUsage(amount.status().message());
    pb::TransferLine& line = *request.add_lines();
    line.set_lot(amount->lot);
    *line.mutable_quantity() = amount->quantity;
  }
  if (!options.paper.empty()) {
    const absl::StatusOr<pb::SourceDocument> paper = ParsePaper(options.paper);
    if (!paper.ok()) return session.FailUsage(paper.status().message());
    *request.mutable_source_document() = *paper;
  }
  if (!SetOccurredTime(session, options, request)) return;
  Write(session, options, "CreateTransfer", request);
}

void RunDispatch(Session& session, TransferOptions& options) {
  pb::DispatchTransferRequest request;
  if (!SetOccurredTime(session, options, request)) return;
  if (!Address(session, options, request)) return;
  request.set_waybill(options.waybill);
  Write(session, options, "DispatchTransfer", request);
}

int64_t AmountOf(const LineAmounts& line, const std::string& name) {
  const auto found = line.amounts.find(name);
  return found == line.amounts.end() ? 0 : found->second;
}

void RunReceive(Session& session, TransferOptions& options) {
  pb::ConfirmTransferReceiptRequest request;
  for (const std::string& word : options.lines) {
    const absl::StatusOr<LineAmounts> told =
        ParseLineAmounts(word, {"accepted", "damaged", "short"});
    if (!told.ok()) return session.FailUsage(told.status().message());
    pb::ReceiptLine& line = *request.add_lines();
    line.set_line(told->line);
    line.set_accepted(AmountOf(*told, "accepted"));
    line.set_damaged(AmountOf(*told, "damaged"));
    line.set_short_(AmountOf(*told, "short"));
  }
  if (!SetOccurredTime(session, options, request)) return;
  if (!Address(session, options, request)) return;
  Write(session, options, "ConfirmTransferReceipt", request);
}

void RunResolve(Session& session, TransferOptions& options) {
  pb::ResolveTransferVarianceRequest request;
  for (const std::string& word : options.lines) {
    const absl::StatusOr<LineAmounts> told = ParseLineAmounts(word, {"found", "returned", "lost"});
    if (!told.ok()) return session.FailUsage(told.status().message());
    pb::VarianceLine& line = *request.add_lines();
    line.set_line(told->line);
    line.set_found(AmountOf(*told, "found"));
    line.set_returned(AmountOf(*told, "returned"));
    line.set_lost(AmountOf(*told, "lost"));
  }
  request.set_note(options.note);
  if (!SetOccurredTime(session, options, request)) return;
  if (!Address(session, options, request)) return;
  Write(session, options, "ResolveTransferVariance", request);
}

void RunCancel(Session& session, TransferOptions& options) {
  pb::CancelTransferRequest request;
  if (!Address(session, options, request)) return;
  Write(session, options, "CancelTransfer", request);
}

void RunShow(Session& session, const TransferOptions& options) {
  pb::GetTransferRequest request;
  request.set_name(AddCollection("transfers", options.name));
  if (!SetAsOf(session, *options.as_of, request)) return;
  pb::Transfer transfer;
  if (session.Call(absl::StrCat(kTransfers, "GetTransfer"), request, transfer)) {
    PrintTransfer(session, transfer);
  }
}

void RunList(Session& session, const TransferOptions& options) {
  pb::ListTransfersRequest request;
  request.set_unit(AddCollection("units", options.unit));
  request.set_waiting_for_me(options.is_waiting_for_me);
  if (!SetAsOf(session, *options.as_of, request)) return;
  pb::ListTransfersResponse response;
  if (!ReadRows(
          session, absl::StrCat(kTransfers, "ListTransfers"), request, options.row_count_max,
          response, [](auto& list) -> auto& { return *list.mutable_transfers(); })) {
    return;
  }
  PrintRows(session, TableOf(session, response.transfers()), response);
}

CLI::Option* AddOccurredTime(CLI::App& step, TransferOptions& options) {
  return step.add_option("--occurred-time", options.occurred_time,
                         "when it happened, as 2020-01-29T12:00:00+08:00; default now");
}

// Adds one step of an existing transfer.
CLI::App* AddStep(CLI::App& transfer, Session& session, const char* name, const char* description,
                  void (*run)(Session&, TransferOptions&),
                  const std::shared_ptr<TransferOptions>& options) {
  CLI::App* step = transfer.add_subcommand(name, description);
  step->add_option("transfer", options->name, "its name")->required();
  step->add_option("--etag", options->etag, "of the transfer as you saw it; default as it is now");
  step->add_option("--request-id", options->request_id, "of a call that is made again");
  step->callback([&session, run, options] { run(session, *options); });
  return step;
}

}  // namespace

void AddTransfers(CLI::App& app, Session& session) {
  CLI::App* transfer = app.add_subcommand("transfer", "goods from one unit to another");
  transfer->require_subcommand(1);

  auto options = std::make_shared<TransferOptions>();
  CLI::App* create = transfer->add_subcommand("create", "write a draft");
  create->add_option("--from", options->source, "UNIT/LOCATION")->required();
  create->add_option("--to", options->destination, "UNIT/LOCATION")->required();
  create->add_option("lines", options->lines, "ITEM/LOT=AMOUNT[:UNIT], one or more")->required();
  create->add_option("--paper", options->paper, "ISSUER/NUMBER[/LINE] that it is written from");
  AddOccurredTime(*create, *options);
  create->add_option("--request-id", options->request_id, "of a call that is made again");
  create->callback([&session, options] { RunCreate(session, *options); });

  options = std::make_shared<TransferOptions>();
  CLI::App* dispatch =
      AddStep(*transfer, session, "dispatch", "send the goods off", RunDispatch, options);
  dispatch->add_option("--waybill", options->waybill, "the carrier's waybill");
  AddOccurredTime(*dispatch, *options);
  options = std::make_shared<TransferOptions>();
  CLI::App* receive =
      AddStep(*transfer, session, "receive",
              "sign for what arrived; without lines: all in good order", RunReceive, options);
  receive->add_option("--line", options->lines, "LINE:accepted=N,damaged=N,short=N in base units");
  AddOccurredTime(*receive, *options);
  options = std::make_shared<TransferOptions>();
  CLI::App* resolve = AddStep(*transfer, session, "resolve", "say what became of what was short",
                              RunResolve, options);
  resolve->add_option("--line", options->lines, "LINE:found=N,returned=N,lost=N in base units")
      ->required();
  resolve->add_option("--note", options->note, "why")->required();
  AddOccurredTime(*resolve, *options);
  options = std::make_shared<TransferOptions>();
  AddStep(*transfer, session, "cancel", "give up a draft", RunCancel, options);

  options = std::make_shared<TransferOptions>();
  CLI::App* list = transfer->add_subcommand("list", "transfers from or to a unit, newest first");
  list->add_option("unit", options->unit, "the unit")->required();
  list->add_flag("--waiting-for-me", options->is_waiting_for_me, "only those you can take further");
  list->add_option("--limit", options->row_count_max, "at most so many")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  AddAsOf(*list, options->as_of);
  list->callback([&session, options] { RunList(session, *options); });
  options = std::make_shared<TransferOptions>();
  CLI::App* show = transfer->add_subcommand("show", "one transfer, line by line");
  show->add_option("transfer", options->name, "its name")->required();
  AddAsOf(*show, options->as_of);
  show->callback([&session, options] { RunShow(session, *options); });
}

}  // namespace quartermaster::qmctl
