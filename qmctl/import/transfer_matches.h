#pragma once

#include <vector>

#include "qmctl/import/books.h"
#include "qmctl/import/plan.h"

namespace quartermaster::qmctl {

// For each planned transfer the one in the books that is of the same paper, null if there is none.
// They point into the books they were made from.
using TransferMatches = std::vector<const pb::Transfer*>;

// Finds them by the paper that they were written from, whatever their content and whoever wrote
// them; one that was cancelled has no paper any more. What was imported before transfers carried
// their paper is known by its waybill, which was the paper's issuer and number.
TransferMatches MatchTransfers(const Plan& plan, const Books& books);

// What a transfer was asked to be: its ends and its lines as they were written, and no more.
pb::CreateTransferRequest ContentOf(const pb::Transfer& transfer);
pb::CreateTransferRequest ContentOf(const pb::CreateTransferRequest& request);

}  // namespace quartermaster::qmctl
