#pragma once

#include <vector>

#include "qmctl/import/books.h"
#include "qmctl/import/plan.h"

namespace quartermaster::qmctl {

// For each planned transfer the one in the books that is of the same paper, null if there is none.
// They point into the books they were made from.
using TransferMatches = std::vector<const pb::Transfer*>;

// Finds them: by the waybill, which is the paper's number, whatever their content; and drafts,
// which have no waybill yet, by equal content, each at most once. So an import that was cut short
// between writing a draft and sending it off goes on with that draft, whoever runs it; and a paper
// that is to stay a draft is not written again once people have sent it off.
TransferMatches MatchTransfers(const Plan& plan, const Books& books);

// What a transfer was asked to be: its ends and its lines as they were written, and no more.
pb::CreateTransferRequest ContentOf(const pb::Transfer& transfer);
pb::CreateTransferRequest ContentOf(const pb::CreateTransferRequest& request);

}  // namespace quartermaster::qmctl
