#include "inventory-svc/api/transfers_service.h"

#include "inventory-svc/api/transfers_codec.h"
#include "platform/base/status_macros.h"

namespace quartermaster::inventory {
namespace {

using document::Versioned;

constexpr char kCreateTransfer[] = "quartermaster.inventory.v1.Transfers/CreateTransfer";
constexpr char kGetTransfer[] = "quartermaster.inventory.v1.Transfers/GetTransfer";
constexpr char kListTransfers[] = "quartermaster.inventory.v1.Transfers/ListTransfers";
constexpr char kDispatchTransfer[] = "quartermaster.inventory.v1.Transfers/DispatchTransfer";
constexpr char kConfirmTransferReceipt[] =
    "quartermaster.inventory.v1.Transfers/ConfirmTransferReceipt";
constexpr char kResolveTransferVariance[] =
    "quartermaster.inventory.v1.Transfers/ResolveTransferVariance";
constexpr char kCancelTransfer[] = "quartermaster.inventory.v1.Transfers/CancelTransfer";

}  // namespace

grpc::ServerUnaryReactor* TransfersService::CreateTransfer(grpc::CallbackServerContext* context,
                                                           const v1::CreateTransferRequest* request,
                                                           v1::Transfer* response) {
  return serve_(
      context, kCreateTransfer, *request, [=, this](const base::Call& call) -> absl::Status {
        QM_ASSIGN_OR_RETURN(const CreateTransferCommand command, ParseCreateTransfer(*request));
        QM_ASSIGN_OR_RETURN(const Versioned<Transfer> transfer,
                            desk_.CreateTransfer(call, command));
        RenderTransfer(transfer, *response);
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* TransfersService::GetTransfer(grpc::CallbackServerContext* context,
                                                        const v1::GetTransferRequest* request,
                                                        v1::Transfer* response) {
  return serve_(context, kGetTransfer, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const GetTransferCommand command, ParseGetTransfer(*request));
    QM_ASSIGN_OR_RETURN(const Versioned<Transfer> transfer, desk_.GetTransfer(call, command));
    RenderTransfer(transfer, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* TransfersService::ListTransfers(grpc::CallbackServerContext* context,
                                                          const v1::ListTransfersRequest* request,
                                                          v1::ListTransfersResponse* response) {
  return serve_(
      context, kListTransfers, *request, [=, this](const base::Call& call) -> absl::Status {
        QM_ASSIGN_OR_RETURN(const ListTransfersCommand command, ParseListTransfers(*request));
        QM_ASSIGN_OR_RETURN(const TransferPage page, desk_.ListTransfers(call, command));
        RenderTransfers(*request, page, *response);
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* TransfersService::DispatchTransfer(
    grpc::CallbackServerContext* context, const v1::DispatchTransferRequest* request,
    v1::Transfer* response) {
  return serve_(
      context, kDispatchTransfer, *request, [=, this](const base::Call& call) -> absl::Status {
        QM_ASSIGN_OR_RETURN(const DispatchTransferCommand command, ParseDispatchTransfer(*request));
        QM_ASSIGN_OR_RETURN(const Versioned<Transfer> transfer,
                            desk_.DispatchTransfer(call, command));
        RenderTransfer(transfer, *response);
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* TransfersService::ConfirmTransferReceipt(
    grpc::CallbackServerContext* context, const v1::ConfirmTransferReceiptRequest* request,
    v1::Transfer* response) {
  return serve_(context, kConfirmTransferReceipt, *request,
                [=, this](const base::Call& call) -> absl::Status {
                  QM_ASSIGN_OR_RETURN(const ConfirmTransferReceiptCommand command,
                                      ParseConfirmTransferReceipt(*request));
                  QM_ASSIGN_OR_RETURN(const Versioned<Transfer> transfer,
                                      desk_.ConfirmTransferReceipt(call, command));
                  RenderTransfer(transfer, *response);
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* TransfersService::ResolveTransferVariance(
    grpc::CallbackServerContext* context, const v1::ResolveTransferVarianceRequest* request,
    v1::Transfer* response) {
  return serve_(context, kResolveTransferVariance, *request,
                [=, this](const base::Call& call) -> absl::Status {
                  QM_ASSIGN_OR_RETURN(const ResolveTransferVarianceCommand command,
                                      ParseResolveTransferVariance(*request));
                  QM_ASSIGN_OR_RETURN(const Versioned<Transfer> transfer,
                                      desk_.ResolveTransferVariance(call, command));
                  RenderTransfer(transfer, *response);
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* TransfersService::CancelTransfer(grpc::CallbackServerContext* context,
                                                           const v1::CancelTransferRequest* request,
                                                           v1::Transfer* response) {
  return serve_(
      context, kCancelTransfer, *request, [=, this](const base::Call& call) -> absl::Status {
        QM_ASSIGN_OR_RETURN(const CancelTransferCommand command, ParseCancelTransfer(*request));
        QM_ASSIGN_OR_RETURN(const Versioned<Transfer> transfer,
                            desk_.CancelTransfer(call, command));
        RenderTransfer(transfer, *response);
        return absl::OkStatus();
      });
}

}  // namespace quartermaster::inventory
