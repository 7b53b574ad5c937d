#pragma once

#include "absl/status/statusor.h"
#include "inventory-svc/domain/ledger_types.h"
#include "inventory-svc/domain/lots.h"
#include "inventory-svc/domain/stock_reader.h"
#include "quartermaster/inventory/v1/ledger.pb.h"

// Ledger requests to commands, and answers back. Every rule of format is here and nowhere else;
// rules about balances are not.
namespace quartermaster::inventory {

namespace pb = ::quartermaster::inventory::v1;

// Each fails with INVALID_ARGUMENT and names every field that breaks its format.
absl::StatusOr<PostMovementCommand> ParsePostMovement(const pb::PostMovementRequest& request);
absl::StatusOr<ReverseMovementCommand> ParseReverseMovement(
    const pb::ReverseMovementRequest& request);
absl::StatusOr<GetMovementCommand> ParseGetMovement(const pb::GetMovementRequest& request);
absl::StatusOr<ListMovementsCommand> ParseListMovements(const pb::ListMovementsRequest& request);
absl::StatusOr<CreateLotCommand> ParseCreateLot(const pb::CreateLotRequest& request);
absl::StatusOr<std::string> ParseGetLot(const pb::GetLotRequest& request);
absl::StatusOr<ListLotsCommand> ParseListLots(const pb::ListLotsRequest& request);
absl::StatusOr<ListBalancesCommand> ParseListBalances(const pb::ListBalancesRequest& request);
absl::Status CheckBatch(const pb::BatchPostMovementsRequest& request);
absl::StatusOr<SummarizeStockCommand> ParseSummarizeStock(const pb::SummarizeStockRequest& request);
absl::Status CheckProveConservation(const pb::ProveConservationRequest& request);

void RenderAccount(const Account& account, pb::Account& out);
void RenderMovement(const Movement& movement, pb::Movement& out);
void RenderLot(const Lot& lot, pb::Lot& out);
void RenderBalance(const NamedBalance& balance, pb::Balance& out);
// Pages come with one row too many if there is another page: it becomes the token.
void RenderMovements(const pb::ListMovementsRequest& request, const MovementPage& page,
                     pb::ListMovementsResponse& out);
void RenderLots(const pb::ListLotsRequest& request, const ListLotsCommand& command,
                const std::vector<Lot>& lots, pb::ListLotsResponse& out);
void RenderBalances(const pb::ListBalancesRequest& request, const ListBalancesCommand& command,
                    const BalancePage& page, pb::ListBalancesResponse& out);
void RenderStock(const pb::SummarizeStockRequest& request, const StockSummary& summary,
                 absl::Time read_time, pb::SummarizeStockResponse& out);
void RenderProofs(const std::vector<NamedProof>& proofs, absl::Time read_time,
                  pb::ProveConservationResponse& out);

}  // namespace quartermaster::inventory
