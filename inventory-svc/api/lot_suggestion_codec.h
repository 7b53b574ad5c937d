#pragma once

#include "absl/status/statusor.h"
#include "inventory-svc/domain/stock_reader.h"
#include "quartermaster/inventory/v1/ledger.pb.h"

// What `Ledger.SuggestLots` is asked and answers.
namespace quartermaster::inventory {

// INVALID_ARGUMENT names every field that breaks its format.
absl::StatusOr<SuggestLotsCommand> ParseSuggestLots(const v1::SuggestLotsRequest& request);

void RenderLotSuggestion(const MeasuredLotSuggestion& suggestion, v1::SuggestLotsResponse& out);

}  // namespace quartermaster::inventory
