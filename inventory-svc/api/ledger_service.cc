#include "inventory-svc/api/ledger_service.h"

#include <string>
#include <utility>
#include <vector>

#include "inventory-svc/api/full_proof_codec.h"
#include "inventory-svc/api/ledger_codec.h"
#include "inventory-svc/api/lot_suggestion_codec.h"
#include "inventory-svc/api/lot_trace_codec.h"
#include "inventory-svc/api/post_movement.h"
#include "platform/base/status_macros.h"
#include "platform/rpc/status_codec.h"

namespace quartermaster::inventory {
namespace {

constexpr char kPostMovement[] = "quartermaster.inventory.v1.Ledger/PostMovement";
constexpr char kBatchPostMovements[] = "quartermaster.inventory.v1.Ledger/BatchPostMovements";
constexpr char kReverseMovement[] = "quartermaster.inventory.v1.Ledger/ReverseMovement";
constexpr char kGetMovement[] = "quartermaster.inventory.v1.Ledger/GetMovement";
constexpr char kListMovements[] = "quartermaster.inventory.v1.Ledger/ListMovements";
constexpr char kCreateLot[] = "quartermaster.inventory.v1.Ledger/CreateLot";
constexpr char kGetLot[] = "quartermaster.inventory.v1.Ledger/GetLot";
constexpr char kListLots[] = "quartermaster.inventory.v1.Ledger/ListLots";
constexpr char kTraceLot[] = "quartermaster.inventory.v1.Ledger/TraceLot";
constexpr char kListBalances[] = "quartermaster.inventory.v1.Ledger/ListBalances";
constexpr char kSuggestLots[] = "quartermaster.inventory.v1.Ledger/SuggestLots";
constexpr char kSummarizeStock[] = "quartermaster.inventory.v1.Ledger/SummarizeStock";
constexpr char kProveConservation[] = "quartermaster.inventory.v1.Ledger/ProveConservation";

void RenderResult(const PostingAnswer& answer, const std::string& trace_id,
                  v1::PostMovementResult& result) {
  if (answer.ok()) {
    RenderMovement(*answer, *result.mutable_movement());
  } else {
    // What a status carries on the wire is a serialized google.rpc.Status.
    result.mutable_error()->ParseFromString(
        rpc::ToGrpcStatus(answer.status(), trace_id).error_details());
  }
}

}  // namespace

grpc::ServerUnaryReactor* LedgerService::PostMovement(grpc::CallbackServerContext* context,
                                                      const v1::PostMovementRequest* request,
                                                      v1::Movement* response) {
  return serve_.HandOn(
      context, kPostMovement, *request, [=, this](const base::Call& call, rpc::Finisher finish) {
        PostOne(ledger_, lanes_, call, *request,
                [response, finish = std::move(finish)](const PostingAnswer& answer) mutable {
                  if (answer.ok()) RenderMovement(*answer, *response);
                  std::move(finish)(answer.status());
                });
      });
}

grpc::ServerUnaryReactor* LedgerService::BatchPostMovements(
    grpc::CallbackServerContext* context, const v1::BatchPostMovementsRequest* request,
    v1::BatchPostMovementsResponse* response) {
  if (lanes_ == nullptr) {
    return serve_(context, kBatchPostMovements, *request, [=, this](const base::Call& call) {
      QM_RETURN_IF_ERROR(CheckBatch(*request));
      for (const v1::PostMovementRequest& one : request->requests()) {
        RenderResult(PostAlone(ledger_, call, one), call.trace.trace_id, *response->add_results());
      }
      return absl::OkStatus();
    });
  }
  return serve_.HandOn(context, kBatchPostMovements, *request,
                       [=, this](const base::Call& call, rpc::Finisher finish) {
                         PostBatch(call, *request, *response, std::move(finish));
                       });
}

// Those that are refused at once have their result before the others are posted.
void LedgerService::PostBatch(const base::Call& call, const v1::BatchPostMovementsRequest& request,
                              v1::BatchPostMovementsResponse& response, rpc::Finisher finish) {
  if (absl::Status checked = CheckBatch(request); !checked.ok()) {
    return std::move(finish)(std::move(checked));
  }
  std::vector<PendingPosting> postings;
  std::vector<v1::PostMovementResult*> open_results;
  for (const v1::PostMovementRequest& one : request.requests()) {
    v1::PostMovementResult& result = *response.add_results();
    absl::StatusOr<PendingPosting> posting = PreparePosting(ledger_, call, one);
    if (posting.ok()) {
      postings.push_back(*std::move(posting));
      open_results.push_back(&result);
    } else {
      RenderResult(posting.status(), call.trace.trace_id, result);
    }
  }
  if (postings.empty()) return std::move(finish)(absl::OkStatus());
  lanes_->Post(std::move(postings), call.deadline,
               [open_results = std::move(open_results), trace_id = call.trace.trace_id,
                finish = std::move(finish)](PostingGroup::Answers answers) mutable {
                 for (size_t i = 0; answers.ok() && i < answers->size(); ++i) {
                   RenderResult((*answers)[i], trace_id, *open_results[i]);
                 }
                 std::move(finish)(std::move(answers).status());
               });
}

grpc::ServerUnaryReactor* LedgerService::ReverseMovement(grpc::CallbackServerContext* context,
                                                         const v1::ReverseMovementRequest* request,
                                                         v1::Movement* response) {
  return serve_(
      context, kReverseMovement, *request, [=, this](const base::Call& call) -> absl::Status {
        QM_ASSIGN_OR_RETURN(const ReverseMovementCommand command, ParseReverseMovement(*request));
        QM_ASSIGN_OR_RETURN(const Movement movement, ledger_.ReverseMovement(call, command));
        RenderMovement(movement, *response);
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* LedgerService::GetMovement(grpc::CallbackServerContext* context,
                                                     const v1::GetMovementRequest* request,
                                                     v1::Movement* response) {
  return serve_(context, kGetMovement, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const GetMovementCommand command, ParseGetMovement(*request));
    QM_ASSIGN_OR_RETURN(const Movement movement,
                        reader_.GetMovement(call, command.movement_id, command.as_of));
    RenderMovement(movement, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* LedgerService::ListMovements(grpc::CallbackServerContext* context,
                                                       const v1::ListMovementsRequest* request,
                                                       v1::ListMovementsResponse* response) {
  return serve_(
      context, kListMovements, *request, [=, this](const base::Call& call) -> absl::Status {
        QM_ASSIGN_OR_RETURN(const ListMovementsCommand command, ParseListMovements(*request));
        QM_ASSIGN_OR_RETURN(const MovementPage page, reader_.ListMovements(call, command));
        RenderMovements(*request, page, *response);
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* LedgerService::CreateLot(grpc::CallbackServerContext* context,
                                                   const v1::CreateLotRequest* request,
                                                   v1::Lot* response) {
  return serve_(context, kCreateLot, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const CreateLotCommand command, ParseCreateLot(*request));
    QM_ASSIGN_OR_RETURN(const Lot lot, lots_.CreateLot(call, command));
    RenderLot(lot, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* LedgerService::GetLot(grpc::CallbackServerContext* context,
                                                const v1::GetLotRequest* request,
                                                v1::Lot* response) {
  return serve_(context, kGetLot, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const std::string name, ParseGetLot(*request));
    QM_ASSIGN_OR_RETURN(const Lot lot, reader_.GetLot(call, name));
    RenderLot(lot, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* LedgerService::ListLots(grpc::CallbackServerContext* context,
                                                  const v1::ListLotsRequest* request,
                                                  v1::ListLotsResponse* response) {
  return serve_(context, kListLots, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const ListLotsCommand command, ParseListLots(*request));
    QM_ASSIGN_OR_RETURN(const std::vector<Lot> lots, reader_.ListLots(call, command));
    RenderLots(*request, command, lots, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* LedgerService::TraceLot(grpc::CallbackServerContext* context,
                                                  const v1::TraceLotRequest* request,
                                                  v1::TraceLotResponse* response) {
  return serve_(context, kTraceLot, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const TraceLotCommand command, ParseTraceLot(*request));
    QM_ASSIGN_OR_RETURN(const LotTrace trace, tracer_.TraceLot(call, command));
    RenderLotTrace(*request, trace, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* LedgerService::ListBalances(grpc::CallbackServerContext* context,
                                                      const v1::ListBalancesRequest* request,
                                                      v1::ListBalancesResponse* response) {
  return serve_(
      context, kListBalances, *request, [=, this](const base::Call& call) -> absl::Status {
        QM_ASSIGN_OR_RETURN(const ListBalancesCommand command, ParseListBalances(*request));
        QM_ASSIGN_OR_RETURN(const BalancePage page, reader_.ListBalances(call, command));
        RenderBalances(*request, command, page, *response);
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* LedgerService::SuggestLots(grpc::CallbackServerContext* context,
                                                     const v1::SuggestLotsRequest* request,
                                                     v1::SuggestLotsResponse* response) {
  return serve_(context, kSuggestLots, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const SuggestLotsCommand command, ParseSuggestLots(*request));
    QM_ASSIGN_OR_RETURN(const MeasuredLotSuggestion suggestion, reader_.SuggestLots(call, command));
    RenderLotSuggestion(suggestion, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* LedgerService::SummarizeStock(grpc::CallbackServerContext* context,
                                                        const v1::SummarizeStockRequest* request,
                                                        v1::SummarizeStockResponse* response) {
  return serve_(
      context, kSummarizeStock, *request, [=, this](const base::Call& call) -> absl::Status {
        QM_ASSIGN_OR_RETURN(const SummarizeStockCommand command, ParseSummarizeStock(*request));
        const absl::Time read_time = clock_.Now();
        QM_ASSIGN_OR_RETURN(const StockSummary summary, reader_.SummarizeStock(call, command));
        RenderStock(*request, summary, read_time, *response);
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* LedgerService::ProveConservation(
    grpc::CallbackServerContext* context, const v1::ProveConservationRequest* request,
    v1::ProveConservationResponse* response) {
  return serve_(
      context, kProveConservation, *request, [=, this](const base::Call& call) -> absl::Status {
        const absl::Time read_time = clock_.Now();
        if (request->from_lines()) {
          QM_ASSIGN_OR_RETURN(const ProveFromLinesCommand command, ParseProveFromLines(*request));
          QM_ASSIGN_OR_RETURN(const NamedProofPage page, prover_.Prove(call, command));
          RenderProofPage(*request, page, read_time, *response);
          return absl::OkStatus();
        }
        QM_RETURN_IF_ERROR(CheckProveConservation(*request));
        QM_ASSIGN_OR_RETURN(const std::vector<NamedProof> proofs,
                            reader_.ProveConservation(call, request->item()));
        RenderProofs(proofs, read_time, *response);
        return absl::OkStatus();
      });
}

}  // namespace quartermaster::inventory
