#pragma once

#include "inventory-svc/domain/conservation_prover.h"
#include "inventory-svc/domain/lot_tracer.h"
#include "inventory-svc/domain/lots.h"
#include "inventory-svc/domain/stock_ledger.h"
#include "inventory-svc/domain/stock_reader.h"
#include "inventory-svc/lanes/posting_lanes.h"
#include "platform/base/clock.h"
#include "platform/rpc/serve.h"
#include "quartermaster/inventory/v1/ledger.grpc.pb.h"

namespace quartermaster::inventory {

// The gRPC face of the ledger: parses, asks, renders. Postings go through `lanes`, if there are
// any, which end their calls. Thread-safe; what it is given must outlive it.
class LedgerService final : public v1::Ledger::CallbackService {
 public:
  LedgerService(const rpc::Serve& serve, StockLedger& ledger, StockReader& reader,
                LotTracer& tracer, ConservationProver& prover, LotRegister& lots,
                PostingLanes* lanes, const base::Clock& clock)
      : serve_(serve),
        ledger_(ledger),
        reader_(reader),
        tracer_(tracer),
        prover_(prover),
        lots_(lots),
        lanes_(lanes),
        clock_(clock) {}

  grpc::ServerUnaryReactor* PostMovement(grpc::CallbackServerContext* context,
                                         const v1::PostMovementRequest* request,
                                         v1::Movement* response) override;
  grpc::ServerUnaryReactor* BatchPostMovements(grpc::CallbackServerContext* context,
                                               const v1::BatchPostMovementsRequest* request,
                                               v1::BatchPostMovementsResponse* response) override;
  grpc::ServerUnaryReactor* ReverseMovement(grpc::CallbackServerContext* context,
                                            const v1::ReverseMovementRequest* request,
                                            v1::Movement* response) override;
  grpc::ServerUnaryReactor* GetMovement(grpc::CallbackServerContext* context,
                                        const v1::GetMovementRequest* request,
                                        v1::Movement* response) override;
  grpc::ServerUnaryReactor* ListMovements(grpc::CallbackServerContext* context,
                                          const v1::ListMovementsRequest* request,
                                          v1::ListMovementsResponse* response) override;
  grpc::ServerUnaryReactor* CreateLot(grpc::CallbackServerContext* context,
                                      const v1::CreateLotRequest* request,
                                      v1::Lot* response) override;
  grpc::ServerUnaryReactor* GetLot(grpc::CallbackServerContext* context,
                                   const v1::GetLotRequest* request, v1::Lot* response) override;
  grpc::ServerUnaryReactor* ListLots(grpc::CallbackServerContext* context,
                                     const v1::ListLotsRequest* request,
                                     v1::ListLotsResponse* response) override;
  grpc::ServerUnaryReactor* TraceLot(grpc::CallbackServerContext* context,
                                     const v1::TraceLotRequest* request,
                                     v1::TraceLotResponse* response) override;
  grpc::ServerUnaryReactor* ListBalances(grpc::CallbackServerContext* context,
                                         const v1::ListBalancesRequest* request,
                                         v1::ListBalancesResponse* response) override;
  grpc::ServerUnaryReactor* SuggestLots(grpc::CallbackServerContext* context,
                                        const v1::SuggestLotsRequest* request,
                                        v1::SuggestLotsResponse* response) override;
  grpc::ServerUnaryReactor* SummarizeStock(grpc::CallbackServerContext* context,
                                           const v1::SummarizeStockRequest* request,
                                           v1::SummarizeStockResponse* response) override;
  grpc::ServerUnaryReactor* ProveConservation(grpc::CallbackServerContext* context,
                                              const v1::ProveConservationRequest* request,
                                              v1::ProveConservationResponse* response) override;

 private:
  void PostBatch(const base::Call& call, const v1::BatchPostMovementsRequest& request,
                 v1::BatchPostMovementsResponse& response, rpc::Finisher finish);

  const rpc::Serve& serve_;
  StockLedger& ledger_;
  StockReader& reader_;
  LotTracer& tracer_;
  ConservationProver& prover_;
  LotRegister& lots_;
  PostingLanes* const lanes_;
  const base::Clock& clock_;
};

}  // namespace quartermaster::inventory
