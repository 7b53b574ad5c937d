#include "inventory-svc/domain/transfer_rules.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "inventory-svc/domain/names.h"
#include "inventory-svc/domain/posting_rules.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"
#include "platform/values/exact.h"

namespace quartermaster::inventory {
namespace {

absl::Status LineMismatch(size_t line, int64_t dispatched, const std::string& told) {
  return status::MakeError(
      absl::StatusCode::kFailedPrecondition,
      absl::StrCat("line ", line, ": ", dispatched, " have to be accounted for, told were ", told,
                   "; give every such line once, so that its parts add up"),
      {.reason = "RECEIPT_LINE_MISMATCH",
       .metadata = {{"line", absl::StrCat(line)},
                    {"dispatched", absl::StrCat(dispatched)},
                    {"told", told}}});
}

// Checks that three parts, none of them negative, add up to `whole`.
absl::Status CheckAddsUp(size_t line, int64_t whole, int64_t a, int64_t b, int64_t c) {
  const auto ab = values::CheckedAdd(a, b);
  const auto abc = ab.has_value() ? values::CheckedAdd(*ab, c) : std::nullopt;
  if (abc == whole) return absl::OkStatus();
  return LineMismatch(line, whole,
                      abc.has_value() ? absl::StrCat(*abc) : "more than can be counted");
}

// Checks that every line that was told of is one of the transfer's.
template <typename Line>
absl::Status CheckLinesExist(const std::vector<Line>& told, const Transfer& transfer) {
  for (const Line& one : told) {
    if (one.line > static_cast<int>(transfer.lines.size())) {
      return LineMismatch(one.line, 0, "a line that there is not");
    }
  }
  return absl::OkStatus();
}

MovementLine Move(const std::string& lot, const Account& source, const Account& destination,
                  int64_t base_quantity) {
  return {.lot = lot,
          .source = source,
          .destination = destination,
          .quantity = {.amount = base_quantity},
          .base_quantity = base_quantity};
}

}  // namespace

absl::string_view ToName(TransferState state) {
  switch (state) {
    case TransferState::kDraft:
      return "DRAFT";
    case TransferState::kOnTheWay:
      return "ON_THE_WAY";
    case TransferState::kPartiallyReceived:
      return "PARTIALLY_RECEIVED";
    case TransferState::kClosed:
      return "CLOSED";
    case TransferState::kCancelled:
      return "CANCELLED";
  }
  return "UNKNOWN";
}

absl::string_view ToName(TransferVerb verb) {
  switch (verb) {
    case TransferVerb::kDispatch:
      return "DispatchTransfer";
    case TransferVerb::kConfirmReceipt:
      return "ConfirmTransferReceipt";
    case TransferVerb::kResolveVariance:
      return "ResolveTransferVariance";
    case TransferVerb::kCancel:
      return "CancelTransfer";
  }
  return "UNKNOWN";
}

absl::Status TransferNotFound(const base::Uuid& transfer_id) {
  const std::string name = TransferName(transfer_id);
  return status::MakeError(absl::StatusCode::kNotFound, absl::StrCat("there is no ", name),
                           {.reason = "TRANSFER_NOT_FOUND", .metadata = {{"transfer", name}}});
}

absl::Status TransferPaperTaken(const SourceDocument& paper,
                                const std::optional<base::Uuid>& transfer_id) {
  status::ErrorDetail detail{
      .reason = "SOURCE_DOCUMENT_POSTED",
      .metadata = {
          {"issuer", paper.issuer}, {"number", paper.number}, {"line", absl::StrCat(paper.line)}}};
  std::string message = absl::StrCat("line ", paper.line, " of paper ", paper.number, " of ",
                                     paper.issuer, " is there already ");
  if (transfer_id.has_value()) {
    const std::string transfer = TransferName(*transfer_id);
    absl::StrAppend(&message, "as ", transfer, "; go on with that, or cancel it");
    detail.metadata.emplace_back("transfer", transfer);
  } else {
    absl::StrAppend(&message, "where you may not look; ask who issued it");
  }
  return status::MakeError(absl::StatusCode::kAlreadyExists, message, detail);
}

absl::Status CheckOccurredTime(const std::optional<absl::Time>& occurred_time, absl::Time now) {
  if (!occurred_time.has_value() || *occurred_time <= now + kClockTolerance) {
    return absl::OkStatus();
  }
  return status::InvalidFields(
      {{"occurred_time",
        absl::StrCat(absl::FormatTime(absl::RFC3339_sec, *occurred_time, absl::UTCTimeZone()),
                     " lies more than five minutes ahead of the server's clock")}});
}

Account OnTheRoad(const Transfer& transfer) {
  return {
      .location = transfer.destination, .state = State::kInTransit, .holder = transfer.transfer_id};
}

std::vector<MovementLine> DispatchLines(const Transfer& transfer) {
  const Account source = {.location = transfer.source, .state = State::kAvailable};
  std::vector<MovementLine> lines;
  for (const TransferLine& line : transfer.lines) {
    // The amount in base units is the draft's: a pack may have got another version since.
    lines.push_back({.lot = line.lot,
                     .source = source,
                     .destination = OnTheRoad(transfer),
                     .quantity = line.quantity,
                     .base_quantity = line.base_quantity});
  }
  return lines;
}

absl::Status Receive(const std::vector<ReceiptLine>& receipt, Transfer& transfer) {
  QM_RETURN_IF_ERROR(CheckLinesExist(receipt, transfer));
  if (receipt.empty()) {
    for (TransferLine& line : transfer.lines) line.accepted = line.base_quantity;
    return absl::OkStatus();
  }
  for (size_t i = 0; i < transfer.lines.size(); ++i) {
    TransferLine& line = transfer.lines[i];
    const ReceiptLine* told = nullptr;
    for (const ReceiptLine& one : receipt) {
      if (one.line == static_cast<int>(i) + 1) told = &one;
    }
    if (told == nullptr) return LineMismatch(i + 1, line.base_quantity, "0");
    QM_RETURN_IF_ERROR(CheckAddsUp(i + 1, line.base_quantity, told->accepted, told->damaged,
                                   told->short_quantity));
    line.accepted = told->accepted;
    line.damaged = told->damaged;
    line.short_quantity = told->short_quantity;
  }
  return absl::OkStatus();
}

std::vector<MovementLine> ArrivalLines(const Transfer& transfer) {
  const Account road = OnTheRoad(transfer);
  const Account shelf = {.location = transfer.destination, .state = State::kAvailable};
  const Account quarantine = {.location = transfer.destination, .state = State::kQuarantine};
  std::vector<MovementLine> lines;
  for (const TransferLine& line : transfer.lines) {
    if (line.accepted > 0) lines.push_back(Move(line.lot, road, shelf, line.accepted));
    if (line.damaged > 0) lines.push_back(Move(line.lot, road, quarantine, line.damaged));
  }
  return lines;
}

bool HasVariance(const Transfer& transfer) {
  for (const TransferLine& line : transfer.lines) {
    if (line.short_quantity > 0) return true;
  }
  return false;
}

absl::StatusOr<std::vector<MovementLine>> VarianceLines(const std::vector<VarianceLine>& variance,
                                                        const Transfer& transfer) {
  QM_RETURN_IF_ERROR(CheckLinesExist(variance, transfer));
  const Account road = OnTheRoad(transfer);
  const Account found = {.location = transfer.destination, .state = State::kAvailable};
  const Account returned = {.location = transfer.source, .state = State::kAvailable};
  const Account lost = {.location = transfer.destination, .state = State::kLost};
  std::vector<MovementLine> lines;
  for (size_t i = 0; i < transfer.lines.size(); ++i) {
    const TransferLine& line = transfer.lines[i];
    VarianceLine told;
    for (const VarianceLine& one : variance) {
      if (one.line == static_cast<int>(i) + 1) told = one;
    }
    QM_RETURN_IF_ERROR(
        CheckAddsUp(i + 1, line.short_quantity, told.found, told.returned, told.lost));
    if (told.found > 0) lines.push_back(Move(line.lot, road, found, told.found));
    if (told.returned > 0) lines.push_back(Move(line.lot, road, returned, told.returned));
    if (told.lost > 0) lines.push_back(Move(line.lot, road, lost, told.lost));
  }
  return lines;
}

std::vector<std::pair<TransferActor, std::string>> ActorsOf(const Transfer& transfer) {
  return {{TransferActor::kCreator, transfer.creator},
          {TransferActor::kDispatcher, transfer.dispatcher},
          {TransferActor::kReceiver, transfer.receiver}};
}

std::vector<std::pair<TransferPlace, std::string>> PlacesOf(const Transfer& transfer) {
  return {{TransferPlace::kSource, std::string(UnitOfLocation(transfer.source))},
          {TransferPlace::kDestination, std::string(UnitOfLocation(transfer.destination))}};
}

}  // namespace quartermaster::inventory
