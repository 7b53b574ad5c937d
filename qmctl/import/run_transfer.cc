#include "qmctl/import/run_transfer.h"

#include <algorithm>

#include "platform/base/status_macros.h"
#include "qmctl/import/request_id.h"

namespace quartermaster::qmctl {
namespace {

absl::Status Dispatch(const PlannedTransfer& planned, const Client& caller,
                      pb::Transfer& transfer) {
  pb::DispatchTransferRequest request;
  request.set_name(transfer.name());
  request.set_etag(transfer.etag());
  request.set_waybill(planned.waybill);
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
  request.set_request_id(DeriveRequestId("Transfers/ConfirmTransferReceipt", request));
  return receiver.Call("quartermaster.inventory.v1.Transfers/ConfirmTransferReceipt", request,
                       transfer);
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
    QM_RETURN_IF_ERROR(caller.Call("quartermaster.inventory.v1.Transfers/CreateTransfer",
                                   planned.request, transfer));
    has_changed = true;
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
