#include <algorithm>
#include <optional>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "qmctl/import/names.h"
#include "qmctl/import/plan.h"
#include "qmctl/import/request_id.h"
#include "qmctl/import/row_reader.h"
#include "qmctl/import/waves.h"

namespace quartermaster::qmctl {
namespace {

constexpr int kMovementLinesMax = 500;
constexpr int kTransferLinesMax = 200;
constexpr size_t kWaybillLengthMax = 64;

// Reads the rows of one file, paper by paper. Lives for one `PlanMovements`.
class MovementReader {
 public:
  MovementReader(const CsvFile& file, Plan& plan, std::vector<Problem>& problems)
      : file_(file), plan_(plan), problems_(problems) {}

  void Read(const CsvRow& row) {
    RowReader reader(file_, row, problems_);
    const absl::string_view kind = reader.Field("kind");
    if (kind == "movement") {
      ReadMovementRow(reader);
    } else if (kind == "transfer") {
      ReadTransferRow(reader);
    } else {
      reader.Tell("kind", "write movement or transfer");
    }
  }

  void Finish() {
    for (PlannedMovement& movement : plan_.movements) {
      movement.request.set_request_id(DeriveRequestId("Ledger/PostMovement", movement.request));
    }
    for (PlannedTransfer& transfer : plan_.transfers) {
      transfer.request.set_request_id(DeriveRequestId(
          absl::StrCat("Transfers/CreateTransfer ", transfer.waybill), transfer.request));
    }
  }

 private:
  void ReadMovementRow(RowReader& reader) {
    pb::PostMovementRequest head;
    head.set_reason(static_cast<pb::MovementReason>(
        reader.RequiredEnum("reason", *pb::MovementReason_descriptor())));
    if (const auto time = ReadTime(reader, "occurred_time")) *head.mutable_occurred_time() = *time;
    head.set_note(reader.Text("note", 500));
    pb::SourceDocument& paper = *head.mutable_source_document();
    ReadPaper(reader, paper);
    CheckIsEmpty(reader, {"outcome", "damaged", "short", "arrived_time"}, "a movement");
    const std::string key =
        absl::StrCat("movement ", paper.issuer(), "/", paper.number(), "/", paper.line());
    const pb::MovementLine line = ReadMovementLine(reader, head.reason());
    if (key != open_paper_) {
      OpenPaper(reader, key);
      plan_.movements.push_back({.origin = {file_.name, reader.line()}, .request = head});
    }
    pb::PostMovementRequest& request = plan_.movements.back().request;
    CheckSameHead(reader, request, head);
    if (request.lines_size() == kMovementLinesMax) {
      reader.Tell("line", absl::StrCat("a movement has at most ", kMovementLinesMax, " rows"));
    }
    *request.add_lines() = line;
    plan_.movements.back().rows.push_back(reader.line());
  }

  void ReadTransferRow(RowReader& reader) {
    pb::SourceDocument paper;
    ReadPaper(reader, paper);
    const std::string waybill = absl::StrCat(paper.issuer(), "/", paper.number());
    if (waybill.size() > kWaybillLengthMax) {
      reader.Tell("number", absl::StrCat("issuer and number together are longer than ",
                                         kWaybillLengthMax - 1, " characters"));
    }
    CheckIsEmpty(reader, {"reason", "source_state", "destination_state"}, "a transfer");
    pb::CreateTransferRequest head;
    head.mutable_source_document()->set_issuer(paper.issuer());
    head.mutable_source_document()->set_number(paper.number());
    if (const auto time = ReadTime(reader, "occurred_time")) *head.mutable_occurred_time() = *time;
    head.set_source(RequiredPlace(reader, "source"));
    head.set_destination(RequiredPlace(reader, "destination"));
    if (!head.source().empty() && head.source() == head.destination()) {
      reader.Tell("destination", "is where the goods are already");
    }
    const PlannedTransfer::Outcome outcome = ReadOutcome(reader);
    const std::optional<google::protobuf::Timestamp> arrived_time =
        ReadTime(reader, "arrived_time");
    if (outcome != PlannedTransfer::Outcome::kReceived) {
      CheckIsEmpty(reader, {"arrived_time"}, "what has not arrived");
    }
    pb::TransferLine line;
    line.set_lot(ReadLot(reader));
    ReadQuantity(reader, *line.mutable_quantity());
    const PlannedTransfer::Receipt receipt = ReadReceipt(reader, outcome, line.quantity().amount());
    const std::string key = "transfer " + waybill;
    if (key != open_paper_) {
      OpenPaper(reader, key);
      plan_.transfers.push_back({.origin = {file_.name, reader.line()},
                                 .request = head,
                                 .waybill = waybill,
                                 .arrived_time = arrived_time,
                                 .outcome = outcome});
    }
    if (!IsSame(plan_.transfers.back().arrived_time, arrived_time)) {
      reader.Tell("arrived_time", "differs from the paper's first row");
    }
    AddTransferLine(reader, head, outcome, line, receipt, paper.line());
  }

  void AddTransferLine(RowReader& reader, const pb::CreateTransferRequest& head,
                       PlannedTransfer::Outcome outcome, const pb::TransferLine& line,
                       const PlannedTransfer::Receipt& receipt, int paper_line) {
    PlannedTransfer& planned = plan_.transfers.back();
    pb::CreateTransferRequest& request = planned.request;
    if (request.source() != head.source()) {
      reader.Tell("source", "differs from the paper's first row");
    }
    if (request.destination() != head.destination()) {
      reader.Tell("destination", "differs from the paper's first row");
    }
    if (!IsSame(request.occurred_time(), head.occurred_time())) {
      reader.Tell("occurred_time", "differs from the paper's first row");
    }
    if (planned.outcome != outcome) reader.Tell("outcome", "differs from the paper's first row");
    if (paper_line != request.lines_size() + 1) {
      reader.Tell("line",
                  absl::StrCat("the rows of a transfer are numbered from 1 on; here would be ",
                               request.lines_size() + 1));
    }
    if (request.lines_size() == kTransferLinesMax) {
      reader.Tell("line", absl::StrCat("a transfer has at most ", kTransferLinesMax, " rows"));
    }
    if (std::ranges::any_of(request.lines(), [&](const pb::TransferLine& other) {
          return other.lot() == line.lot();
        })) {
      reader.Tell("lot", "stands on this paper twice; add the two up");
    }
    *request.add_lines() = line;
    planned.receipts.push_back(receipt);
    planned.rows.push_back(reader.line());
  }

  // The rows of a paper stand together: a paper that comes again has been split or entered twice.
  void OpenPaper(RowReader& reader, const std::string& key) {
    if (!papers_.insert(key).second) {
      reader.Tell("number", "this paper stands further up already; its rows must stand together");
    }
    open_paper_ = key;
  }

  void ReadPaper(RowReader& reader, pb::SourceDocument& paper) {
    const absl::string_view issuer = reader.Field("issuer");
    if (issuer.empty() || issuer.size() > 64 ||
        issuer.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") !=
            absl::string_view::npos) {
      reader.Tell("issuer", "is 1 to 64 small letters, digits, dots, hyphens and underscores");
    }
    paper.set_issuer(std::string(issuer));
    paper.set_number(reader.RequiredText("number", 64));
    paper.set_line(static_cast<int32_t>(reader.Integer("line", {.max = 1'000'000}, 0)));
  }

  std::optional<google::protobuf::Timestamp> ReadTime(RowReader& reader, absl::string_view column) {
    const absl::string_view field = reader.Field(column);
    if (field.empty()) return std::nullopt;
    absl::Time time;
    std::string error;
    if (!absl::ParseTime(absl::RFC3339_full, field, &time, &error) || time < absl::UnixEpoch()) {
      reader.Tell(column, "a time is written 2020-01-29T12:00:00+08:00");
      return std::nullopt;
    }
    const int64_t micros = absl::ToUnixMicros(time);
    google::protobuf::Timestamp timestamp;
    timestamp.set_seconds(micros / 1'000'000);
    timestamp.set_nanos(static_cast<int32_t>(micros % 1'000'000 * 1000));
    return timestamp;
  }

  static bool IsSame(const google::protobuf::Timestamp& a, const google::protobuf::Timestamp& b) {
    return a.seconds() == b.seconds() && a.nanos() == b.nanos();
  }
  static bool IsSame(const std::optional<google::protobuf::Timestamp>& a,
                     const std::optional<google::protobuf::Timestamp>& b) {
    return a.has_value() == b.has_value() && (!a.has_value() || IsSame(*a, *b));
  }

  void CheckSameHead(RowReader& reader, const pb::PostMovementRequest& request,
                     const pb::PostMovementRequest& head) {
    if (request.reason() != head.reason()) {
      reader.Tell("reason", "differs from the paper's first row");
    }
    if (request.note() != head.note()) reader.Tell("note", "differs from the paper's first row");
    if (!IsSame(request.occurred_time(), head.occurred_time())) {
      reader.Tell("occurred_time", "differs from the paper's first row");
    }
  }

  pb::MovementLine ReadMovementLine(RowReader& reader, pb::MovementReason reason) {
    pb::MovementLine line;
    line.set_lot(ReadLot(reader));
    ReadQuantity(reader, *line.mutable_quantity());
    const std::optional<Ends> ends = FindEnds(reason);
    if (!ends.has_value()) {
      if (reason != pb::MOVEMENT_REASON_UNSPECIFIED) {
        reader.Tell("reason", "is posted by a transfer or a reversal alone");
      }
      return line;
    }
    std::string source = reader.OptionalPlace("source");
    std::string destination = reader.OptionalPlace("destination");
    const bool has_source = !reader.Field("source").empty();
    const bool has_destination = !reader.Field("destination").empty();
    if (!has_source && !has_destination) {
      reader.Tell("source", "say where: source or destination");
    } else if (reason == pb::RELOCATE && !(has_source && has_destination)) {
      reader.Tell(has_source ? "destination" : "source", "is required for RELOCATE");
    }
    // Goods that come or go do so at one place.
    line.mutable_source()->set_location(source.empty() ? destination : source);
    line.mutable_destination()->set_location(destination.empty() ? source : destination);
    line.mutable_source()->set_state(ReadState(reader, "source_state", ends->source));
    line.mutable_destination()->set_state(
        ReadState(reader, "destination_state", ends->destination));
    return line;
  }

  pb::AccountState ReadState(RowReader& reader, absl::string_view column,
                             pb::AccountState if_empty) {
    if (!reader.Field(column).empty() || if_empty == pb::ACCOUNT_STATE_UNSPECIFIED) {
      return static_cast<pb::AccountState>(
          reader.RequiredEnum(column, *pb::AccountState_descriptor()));
    }
    return if_empty;
  }

  std::string ReadLot(RowReader& reader) {
    return absl::StrCat(reader.Name("item", "items"), "/lots/", reader.Id("lot"));
  }

  void ReadQuantity(RowReader& reader, type::v1::Quantity& quantity) {
    quantity.set_amount(reader.RequiredInteger("quantity", {.min = 1}));
    quantity.set_unit(reader.Text("unit", 32));
  }

  std::string RequiredPlace(RowReader& reader, absl::string_view column) {
    if (reader.Field(column).empty()) reader.Tell(column, "is required");
    return reader.OptionalPlace(column);
  }

  PlannedTransfer::Outcome ReadOutcome(RowReader& reader) {
    const absl::string_view field = reader.Field("outcome");
    if (field == "draft") return PlannedTransfer::Outcome::kDraft;
    if (field == "on-the-way") return PlannedTransfer::Outcome::kOnTheWay;
    if (!field.empty() && field != "received") {
      reader.Tell("outcome", "write draft, on-the-way or received");
    }
    return PlannedTransfer::Outcome::kReceived;
  }

  PlannedTransfer::Receipt ReadReceipt(RowReader& reader, PlannedTransfer::Outcome outcome,
                                       int64_t amount) {
    const PlannedTransfer::Receipt receipt = {
        .damaged = reader.Integer("damaged", {.max = amount}, 0),
        .missing = reader.Integer("short", {.max = amount}, 0)};
    if (receipt.missing > amount - receipt.damaged) {
      reader.Tell("short", "damaged and short are more than was sent");
    }
    if (outcome != PlannedTransfer::Outcome::kReceived) {
      CheckIsEmpty(reader, {"damaged", "short"}, "what has not arrived");
    }
    return receipt;
  }

  void CheckIsEmpty(RowReader& reader, std::initializer_list<absl::string_view> columns,
                    absl::string_view what) {
    for (const absl::string_view column : columns) {
      if (!reader.Field(column).empty()) {
        reader.Tell(column, absl::StrCat("stays empty for ", what));
      }
    }
  }

  const CsvFile& file_;
  Plan& plan_;
  std::vector<Problem>& problems_;
  absl::flat_hash_set<std::string> papers_;
  std::string open_paper_;
};

}  // namespace

void PlanMovements(const CsvFile& file, Plan& plan, std::vector<Problem>& problems) {
  const Columns columns{.required = {"kind", "issuer", "number", "line", "item", "lot", "quantity"},
                        .optional = {"reason", "occurred_time", "unit", "source", "source_state",
                                     "destination", "destination_state", "outcome", "damaged",
                                     "short", "arrived_time", "note", "claim", "event", "basis"}};
  if (!CheckColumns(file, columns, problems)) return;
  MovementReader reader(file, plan, problems);
  for (const CsvRow& row : file.rows) reader.Read(row);
  reader.Finish();
  AssignWaves(plan);
}

void PlanFile(FileKind kind, const CsvFile& file, Plan& plan, std::vector<Problem>& problems) {
  switch (kind) {
    case FileKind::kUnits:
      return PlanUnits(file, plan, problems);
    case FileKind::kLocations:
      return PlanLocations(file, plan, problems);
    case FileKind::kItems:
      return PlanItems(file, plan, problems);
    case FileKind::kLots:
      return PlanLots(file, plan, problems);
    case FileKind::kMovements:
      return PlanMovements(file, plan, problems);
  }
}

}  // namespace quartermaster::qmctl
