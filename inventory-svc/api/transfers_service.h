#pragma once

#include "inventory-svc/domain/transfer_desk.h"
#include "platform/rpc/serve.h"
#include "quartermaster/inventory/v1/transfers.grpc.pb.h"

namespace quartermaster::inventory {

// The gRPC face of transfers: parses, asks, renders. Thread-safe; what it is given must outlive it.
class TransfersService final : public v1::Transfers::CallbackService {
 public:
  TransfersService(const rpc::Serve& serve, TransferDesk& desk) : serve_(serve), desk_(desk) {}

  grpc::ServerUnaryReactor* CreateTransfer(grpc::CallbackServerContext* context,
                                           const v1::CreateTransferRequest* request,
                                           v1::Transfer* response) override;
  grpc::ServerUnaryReactor* GetTransfer(grpc::CallbackServerContext* context,
                                        const v1::GetTransferRequest* request,
                                        v1::Transfer* response) override;
  grpc::ServerUnaryReactor* ListTransfers(grpc::CallbackServerContext* context,
                                          const v1::ListTransfersRequest* request,
                                          v1::ListTransfersResponse* response) override;
  grpc::ServerUnaryReactor* DispatchTransfer(grpc::CallbackServerContext* context,
                                             const v1::DispatchTransferRequest* request,
                                             v1::Transfer* response) override;
  grpc::ServerUnaryReactor* ConfirmTransferReceipt(grpc::CallbackServerContext* context,
                                                   const v1::ConfirmTransferReceiptRequest* request,
                                                   v1::Transfer* response) override;
  grpc::ServerUnaryReactor* ResolveTransferVariance(
      grpc::CallbackServerContext* context, const v1::ResolveTransferVarianceRequest* request,
      v1::Transfer* response) override;
  grpc::ServerUnaryReactor* CancelTransfer(grpc::CallbackServerContext* context,
                                           const v1::CancelTransferRequest* request,
                                           v1::Transfer* response) override;

 private:
  const rpc::Serve& serve_;
  TransferDesk& desk_;
};

}  // namespace quartermaster::inventory
