#pragma once

#include "absl/status/statusor.h"
#include "inventory-svc/domain/lot_tracer.h"
#include "quartermaster/inventory/v1/ledger.pb.h"

// What `Ledger.TraceLot` is asked and answers.
namespace quartermaster::inventory {

// INVALID_ARGUMENT names every field that breaks its format.
absl::StatusOr<TraceLotCommand> ParseTraceLot(const v1::TraceLotRequest& request);

void RenderLotTrace(const v1::TraceLotRequest& request, const LotTrace& trace,
                    v1::TraceLotResponse& out);

}  // namespace quartermaster::inventory
