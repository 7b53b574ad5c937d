#include "qmctl/import/transfer_matches.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

namespace quartermaster::qmctl {
namespace {

template <typename Source>
pb::CreateTransferRequest Content(const Source& source) {
  pb::CreateTransferRequest content;
  content.set_source(source.source());
  content.set_destination(source.destination());
  for (const pb::TransferLine& line : source.lines()) {
    pb::TransferLine& copy = *content.add_lines();
    copy.set_lot(line.lot());
    *copy.mutable_quantity() = line.quantity();
  }
  return content;
}

}  // namespace

pb::CreateTransferRequest ContentOf(const pb::Transfer& transfer) { return Content(transfer); }
pb::CreateTransferRequest ContentOf(const pb::CreateTransferRequest& request) {
  return Content(request);
}

TransferMatches MatchTransfers(const Plan& plan, const Books& books) {
  absl::flat_hash_map<std::string, const pb::Transfer*> by_waybill;
  // Of transfers with the same content each serves one paper.
  absl::flat_hash_map<std::string, std::vector<const pb::Transfer*>> by_content;
  for (const pb::Transfer& transfer : books.transfers) {
    if (!transfer.waybill().empty()) by_waybill.emplace(transfer.waybill(), &transfer);
    by_content[ContentOf(transfer).SerializeAsString()].push_back(&transfer);
  }
  absl::flat_hash_set<std::string> papers;
  for (const PlannedTransfer& planned : plan.transfers) papers.insert(planned.waybill);

  TransferMatches matches;
  for (const PlannedTransfer& planned : plan.transfers) {
    if (const auto found = by_waybill.find(planned.waybill); found != by_waybill.end()) {
      matches.push_back(found->second);
      continue;
    }
    // A paper that is to stay a draft may have been taken further by people, under their waybill.
    const bool stays_draft = planned.outcome == PlannedTransfer::Outcome::kDraft;
    std::vector<const pb::Transfer*>& equals =
        by_content[ContentOf(planned.request).SerializeAsString()];
    const auto match = std::ranges::find_if(equals, [&](const pb::Transfer* transfer) {
      const bool is_draft = transfer->state() == pb::DRAFT && transfer->waybill().empty();
      return is_draft || (stays_draft && !papers.contains(transfer->waybill()));
    });
    matches.push_back(match == equals.end() ? nullptr : *match);
    if (match != equals.end()) equals.erase(match);
  }
  return matches;
}

}  // namespace quartermaster::qmctl
