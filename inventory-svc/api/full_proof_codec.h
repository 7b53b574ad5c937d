#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/conservation_prover.h"
#include "quartermaster/inventory/v1/ledger.pb.h"

// What `Ledger.ProveConservation` is asked and answers where it sums up lines.
namespace quartermaster::inventory {

// INVALID_ARGUMENT names every field that breaks its format.
absl::StatusOr<ProveFromLinesCommand> ParseProveFromLines(
    const v1::ProveConservationRequest& request);

void RenderProofPage(const v1::ProveConservationRequest& request, const NamedProofPage& page,
                     absl::Time read_time, v1::ProveConservationResponse& out);

}  // namespace quartermaster::inventory
