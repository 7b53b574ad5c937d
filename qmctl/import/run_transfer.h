#pragma once

#include "absl/status/statusor.h"
#include "qmctl/client/client.h"
#include "qmctl/import/plan.h"

namespace quartermaster::qmctl {

// Takes a transfer as far as its paper says: writes it, sends it off, signs for it. `match` is the
// one in the books, null if there is none; its content was checked. Returns whether anything was
// left to do.
absl::StatusOr<bool> RunTransfer(const PlannedTransfer& planned, const pb::Transfer* match,
                                 const Client& caller, const Client* receiver);

}  // namespace quartermaster::qmctl
