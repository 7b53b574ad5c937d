#pragma once

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "inventory-svc/domain/stock_ledger.h"
#include "inventory-svc/lanes/posting_lanes.h"
#include "platform/base/call.h"
#include "quartermaster/inventory/v1/ledger.pb.h"

// What `PostMovement` does, by whichever way it was called.
namespace quartermaster::inventory {

// Reads a request and judges what can be judged before its turn.
absl::StatusOr<PendingPosting> PreparePosting(StockLedger& ledger, const base::Call& call,
                                              const v1::PostMovementRequest& request);

// The same, and posts it in a transaction of its own.
absl::StatusOr<Movement> PostAlone(StockLedger& ledger, const base::Call& call,
                                   const v1::PostMovementRequest& request);

// Posts one movement, through `lanes` if there are any. `done` is called once, on any thread, maybe
// before this returns, and must not block. `request` may go when it returns.
void PostOne(StockLedger& ledger, PostingLanes* lanes, const base::Call& call,
             const v1::PostMovementRequest& request,
             absl::AnyInvocable<void(const PostingAnswer&)> done);

}  // namespace quartermaster::inventory
