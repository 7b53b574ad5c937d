#include "qmctl/import/run_transfer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"
#include "qmctl/import/differences.h"
#include "qmctl/import/request_id.h"
#include "qmctl/import/transfer_matches.h"

namespace quartermaster::qmctl {
namespace {

absl::Status Dispatch(const PlannedTransfer& planned, const Client& caller,
                      pb::Transfer& transfer) {
  pb::DispatchTransferRequest request;
  request.set_name(transfer.name());
  request.set_etag(transfer.etag());
  request.set_waybill(planned.waybill);
  if (planned.request.has_occurred_time()) {
    *request.mutable_occurred_time() = planned.request.occurred_time();
  }
  request.set_request_id(DeriveRequestId("Transfers/DispatchTransfer", request));
  return caller.Call("quartermaster.inventory.v1.Transfers/DispatchTransfer", request, transfer);
}

absl::Status ConfirmReceipt(const PlannedTransfer& planned, const Client& receiver,
                            pb::Transfer& transfer) {
  pb::ConfirmTransferReceiptRequest request;
  request.set_name(transfer.name());
  request.set_etag(transfer.etag());
  const bool is_in_good_order =
      std::ranges::all_of(planned.receipts, [](const PlannedTransfer::Receipt& receipt) {
        return receipt.damaged == 0 && receipt.missing == 0;
      });
  if (!is_in_good_order) {
    for (int i = 0; i < transfer.lines_size(); ++i) {
      const pb::TransferLine& sent = transfer.lines(i);
      // One of the unit the line is written in; whole, since every declared unit is.
      const int64_t factor = sent.base_quantity() / sent.quantity().amount();
      pb::ReceiptLine& line = *request.add_lines();
      line.set_line(i + 1);
      line.set_damaged(planned.receipts[i].damaged * factor);
      line.set_short_(planned.receipts[i].missing * factor);
      line.set_accepted(sent.base_quantity() - line.damaged() - line.short_());
    }
  }
  if (planned.arrived_time.has_value()) *request.mutable_occurred_time() = *planned.arrived_time;
  request.set_request_id(DeriveRequestId("Transfers/ConfirmTransferReceipt", request));
  return receiver.Call("quartermaster.inventory.v1.Transfers/ConfirmTransferReceipt", request,
                       transfer);
}

// Writes the draft. Returns whether it was not there: somebody else may be importing the same
// paper.
absl::StatusOr<bool> Create(const PlannedTransfer& planned, const Client& caller,
                            pb::Transfer& transfer) {
  const absl::Status created =
      caller.Call("quartermaster.inventory.v1.Transfers/CreateTransfer", planned.request, transfer);
  if (created.ok()) return true;
  const status::ErrorDetail detail = status::GetErrorDetail(created);
  const auto named =
      std::ranges::find(detail.metadata, "transfer", &std::pair<std::string, std::string>::first);
  if (detail.reason != "SOURCE_DOCUMENT_POSTED" || named == detail.metadata.end()) return created;
  pb::GetTransferRequest request;
  request.set_name(named->second);
  QM_RETURN_IF_ERROR(
      caller.Call("quartermaster.inventory.v1.Transfers/GetTransfer", request, transfer));
  const std::string differences =
      DescribeDifferences(ContentOf(transfer), ContentOf(planned.request));
  if (differences.empty()) return false;
  return status::MakeError(absl::StatusCode::kAlreadyExists,
                           absl::StrCat("the paper is there as ", named->second, " otherwise: ",
                                        differences, "; correct the row, or cancel that transfer"),
                           detail);
}

}  // namespace

absl::StatusOr<bool> RunTransfer(const PlannedTransfer& planned, const pb::Transfer* match,
                                 const Client& caller, const Client* receiver) {
  using Outcome = PlannedTransfer::Outcome;
  bool has_changed = false;
  pb::Transfer transfer;
  if (match != nullptr) {
    transfer = *match;
  } else {
    QM_ASSIGN_OR_RETURN(has_changed, Create(planned, caller, transfer));
  }
  if (planned.outcome != Outcome::kDraft && transfer.state() == pb::DRAFT) {
    QM_RETURN_IF_ERROR(Dispatch(planned, caller, transfer));
    has_changed = true;
  }
  if (planned.outcome == Outcome::kReceived && transfer.state() == pb::ON_THE_WAY) {
    if (receiver == nullptr) return absl::FailedPreconditionError("nobody signs for what arrives");
    QM_RETURN_IF_ERROR(ConfirmReceipt(planned, *receiver, transfer));
    has_changed = true;
  }
  return has_changed;
}

}  // namespace quartermaster::qmctl
