#include "inventory-svc/api/transfers_codec.h"

#include <limits>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "inventory-svc/api/fields.h"
#include "inventory-svc/domain/names.h"
#include "platform/base/status_macros.h"
#include "platform/rpc/page_token.h"
#include "platform/rpc/parse.h"

namespace quartermaster::inventory {
namespace {

using rpc::ElementPath;
using rpc::FieldErrors;
using rpc::FieldPath;

constexpr char kLocation[] = "units/{unit}/locations/{location}";
constexpr char kLot[] = "items/{item}/lots/{lot}";
constexpr char kUnit[] = "units/{unit}";
constexpr int kLinesMax = 200;
constexpr int kWaybillLengthMax = 64;
constexpr int kNoteLengthMax = 500;
constexpr rpc::PageSizes kPages;

std::string ParseEtag(const std::string& etag, FieldErrors& errors) {
  return rpc::ParseText("etag", etag, {.length_min = 1, .length_max = 64}, errors);
}

int64_t ParsePart(const std::string& path, absl::string_view field, int64_t value,
                  FieldErrors& errors) {
  return rpc::ParseInt(FieldPath(path, field), value, 0, std::numeric_limits<int64_t>::max(),
                       errors);
}

// Reads the number of a line and refuses one that stands twice.
int ParseLineNumber(const std::string& path, int32_t line, std::set<int32_t>& seen,
                    FieldErrors& errors) {
  rpc::ParseInt(FieldPath(path, "line"), line, 1, kLinesMax, errors);
  if (!seen.insert(line).second) errors.Add(FieldPath(path, "line"), "stands twice");
  return line;
}

void CheckLineCount(int count, int count_min, FieldErrors& errors) {
  if (count < count_min || count > kLinesMax) {
    errors.Add("lines", absl::StrCat(count, " lines; there may be ", count_min, " to ", kLinesMax));
  }
}

// Reads the field `occurred_time` of any request that has one.
template <typename Request>
std::optional<absl::Time> ParseOccurredTime(const Request& request, FieldErrors& errors) {
  if (!request.has_occurred_time()) return std::nullopt;
  return rpc::ParseTimestamp("occurred_time", request.occurred_time(), {}, errors);
}

std::string QueryOf(const v1::ListTransfersRequest& request) {
  return absl::StrCat("transfers|", request.unit(), "|", request.waiting_for_me(), "|",
                      request.as_of().SerializeAsString());
}

}  // namespace

absl::StatusOr<CreateTransferCommand> ParseCreateTransfer(
    const v1::CreateTransferRequest& request) {
  FieldErrors errors;
  CreateTransferCommand command;
  command.source = rpc::ParseResourceName("source", kLocation, request.source(), errors);
  command.destination =
      rpc::ParseResourceName("destination", kLocation, request.destination(), errors);
  if (request.source() == request.destination()) {
    errors.Add("destination", "is the source; a transfer goes to another location");
  }
  CheckLineCount(request.lines_size(), 1, errors);
  std::set<std::string> seen;
  for (int i = 0; i < std::min(request.lines_size(), kLinesMax); ++i) {
    const std::string path = ElementPath("lines", i);
    const v1::TransferLine& line = request.lines(i);
    command.lines.push_back(
        {.lot = rpc::ParseResourceName(FieldPath(path, "lot"), kLot, line.lot(), errors),
         .quantity = ParseQuantity(FieldPath(path, "quantity"), line.quantity(), errors)});
    if (!seen.insert(line.lot()).second) {
      errors.Add(FieldPath(path, "lot"), "stands twice; add the quantities up");
    }
  }
  if (request.has_source_document()) {
    command.source_document = ParseSourceDocument(request.source_document(), errors);
  }
  command.occurred_time = ParseOccurredTime(request, errors);
  command.request_id = rpc::ParseUuid("request_id", request.request_id(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<GetTransferCommand> ParseGetTransfer(const v1::GetTransferRequest& request) {
  FieldErrors errors;
  GetTransferCommand command{
      .transfer_id = rpc::ParseUuidName("name", "transfers", request.name(), errors),
      .as_of = ParseAsOf(request.as_of(), errors)};
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<ListTransfersCommand> ParseListTransfers(const v1::ListTransfersRequest& request) {
  FieldErrors errors;
  ListTransfersCommand command{
      .unit = rpc::ParseResourceName("unit", kUnit, request.unit(), errors),
      .is_waiting_for_caller = request.waiting_for_me(),
      .page_size = rpc::ParsePageSize(request.page_size(), kPages, errors),
      .as_of = ParseAsOf(request.as_of(), errors)};
  if (request.waiting_for_me() && command.as_of.is_set()) {
    errors.Add("waiting_for_me", "is about now; leave as_of out");
  }
  ParsePosition(rpc::ParsePageToken(request.page_token(), QueryOf(request), errors), command.before,
                command.sequence);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<DispatchTransferCommand> ParseDispatchTransfer(
    const v1::DispatchTransferRequest& request) {
  FieldErrors errors;
  DispatchTransferCommand command;
  command.transfer_id = rpc::ParseUuidName("name", "transfers", request.name(), errors);
  command.etag = ParseEtag(request.etag(), errors);
  command.waybill =
      rpc::ParseText("waybill", request.waybill(), {.length_max = kWaybillLengthMax}, errors);
  command.occurred_time = ParseOccurredTime(request, errors);
  command.request_id = rpc::ParseUuid("request_id", request.request_id(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<ConfirmTransferReceiptCommand> ParseConfirmTransferReceipt(
    const v1::ConfirmTransferReceiptRequest& request) {
  FieldErrors errors;
  ConfirmTransferReceiptCommand command;
  command.transfer_id = rpc::ParseUuidName("name", "transfers", request.name(), errors);
  command.etag = ParseEtag(request.etag(), errors);
  CheckLineCount(request.lines_size(), 0, errors);
  std::set<int32_t> seen;
  for (int i = 0; i < std::min(request.lines_size(), kLinesMax); ++i) {
    const std::string path = ElementPath("lines", i);
    const v1::ReceiptLine& line = request.lines(i);
    command.lines.push_back({.line = ParseLineNumber(path, line.line(), seen, errors),
                             .accepted = ParsePart(path, "accepted", line.accepted(), errors),
                             .damaged = ParsePart(path, "damaged", line.damaged(), errors),
                             .short_quantity = ParsePart(path, "short", line.short_(), errors)});
  }
  command.occurred_time = ParseOccurredTime(request, errors);
  command.request_id = rpc::ParseUuid("request_id", request.request_id(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<ResolveTransferVarianceCommand> ParseResolveTransferVariance(
    const v1::ResolveTransferVarianceRequest& request) {
  FieldErrors errors;
  ResolveTransferVarianceCommand command;
  command.transfer_id = rpc::ParseUuidName("name", "transfers", request.name(), errors);
  command.etag = ParseEtag(request.etag(), errors);
  CheckLineCount(request.lines_size(), 1, errors);
  std::set<int32_t> seen;
  for (int i = 0; i < std::min(request.lines_size(), kLinesMax); ++i) {
    const std::string path = ElementPath("lines", i);
    const v1::VarianceLine& line = request.lines(i);
    command.lines.push_back({.line = ParseLineNumber(path, line.line(), seen, errors),
                             .found = ParsePart(path, "found", line.found(), errors),
                             .returned = ParsePart(path, "returned", line.returned(), errors),
                             .lost = ParsePart(path, "lost", line.lost(), errors)});
  }
  command.note =
      rpc::ParseText("note", request.note(),
                     {.length_min = 1, .length_max = kNoteLengthMax, .is_multiline = true}, errors);
  command.occurred_time = ParseOccurredTime(request, errors);
  command.request_id = rpc::ParseUuid("request_id", request.request_id(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<CancelTransferCommand> ParseCancelTransfer(
    const v1::CancelTransferRequest& request) {
  FieldErrors errors;
  CancelTransferCommand command;
  command.transfer_id = rpc::ParseUuidName("name", "transfers", request.name(), errors);
  command.etag = ParseEtag(request.etag(), errors);
  command.request_id = rpc::ParseUuid("request_id", request.request_id(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

void RenderTransfer(const document::Versioned<Transfer>& versioned, v1::Transfer& out) {
  const Transfer& transfer = versioned.body;
  out.set_name(TransferName(transfer.transfer_id));
  out.set_source(transfer.source);
  out.set_destination(transfer.destination);
  int number = 0;
  for (const TransferLine& line : transfer.lines) {
    v1::TransferLine& rendered = *out.add_lines();
    rendered.set_lot(line.lot);
    rendered.mutable_quantity()->set_amount(line.quantity.amount);
    rendered.mutable_quantity()->set_unit(line.quantity.unit);
    rendered.set_base_quantity(line.base_quantity);
    rendered.set_line(++number);
    rendered.set_accepted(line.accepted);
    rendered.set_damaged(line.damaged);
    rendered.set_short_(line.short_quantity);
  }
  out.set_state(static_cast<v1::TransferState>(transfer.state));
  out.set_waybill(transfer.waybill);
  out.set_creator(transfer.creator);
  out.set_dispatcher(transfer.dispatcher);
  out.set_receiver(transfer.receiver);
  for (const base::Uuid& movement : transfer.movements) out.add_movements(MovementName(movement));
  *out.mutable_create_time() = rpc::RenderTimestamp(transfer.create_time);
  *out.mutable_update_time() = rpc::RenderTimestamp(transfer.update_time);
  out.set_etag(document::MakeEtag(versioned.version));
  if (transfer.source_document.has_value()) {
    RenderSourceDocument(*transfer.source_document, *out.mutable_source_document());
  }
  if (transfer.occurred_time.has_value()) {
    *out.mutable_occurred_time() = rpc::RenderTimestamp(*transfer.occurred_time);
  }
}

void RenderTransfers(const v1::ListTransfersRequest& request, const TransferPage& page,
                     v1::ListTransfersResponse& out) {
  for (const auto& transfer : page.transfers) RenderTransfer(transfer, *out.add_transfers());
  if (!page.next_before.is_nil()) {
    out.set_next_page_token(
        rpc::MakePageToken(QueryOf(request), PositionBefore(page.next_before, page.moment)));
  }
  if (page.moment.has_value()) RenderMoment(*page.moment, *out.mutable_sealed_moment());
}

}  // namespace quartermaster::inventory
