#pragma once

#include "absl/status/statusor.h"
#include "inventory-svc/domain/transfer_desk.h"
#include "quartermaster/inventory/v1/transfers.pb.h"

// Transfer requests to commands, and answers back. Every rule of format is here and nowhere else.
namespace quartermaster::inventory {

// Each fails with INVALID_ARGUMENT and names every field that breaks its format.
absl::StatusOr<CreateTransferCommand> ParseCreateTransfer(const v1::CreateTransferRequest& request);
absl::StatusOr<GetTransferCommand> ParseGetTransfer(const v1::GetTransferRequest& request);
absl::StatusOr<ListTransfersCommand> ParseListTransfers(const v1::ListTransfersRequest& request);
absl::StatusOr<DispatchTransferCommand> ParseDispatchTransfer(
    const v1::DispatchTransferRequest& request);
absl::StatusOr<ConfirmTransferReceiptCommand> ParseConfirmTransferReceipt(
    const v1::ConfirmTransferReceiptRequest& request);
absl::StatusOr<ResolveTransferVarianceCommand> ParseResolveTransferVariance(
    const v1::ResolveTransferVarianceRequest& request);
absl::StatusOr<CancelTransferCommand> ParseCancelTransfer(const v1::CancelTransferRequest& request);

void RenderTransfer(const document::Versioned<Transfer>& transfer, v1::Transfer& out);
void RenderTransfers(const v1::ListTransfersRequest& request, const TransferPage& page,
                     v1::ListTransfersResponse& out);

}  // namespace quartermaster::inventory
