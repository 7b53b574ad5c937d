#include "qmctl/import/transfer_matches.h"

#include "absl/container/flat_hash_map.h"

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
  // Of equal drafts each serves one paper.
  absl::flat_hash_map<std::string, std::vector<const pb::Transfer*>> drafts;
  for (const pb::Transfer& transfer : books.transfers) {
    if (!transfer.waybill().empty()) {
      by_waybill.emplace(transfer.waybill(), &transfer);
    } else if (transfer.state() == pb::DRAFT) {
      drafts[ContentOf(transfer).SerializeAsString()].push_back(&transfer);
    }
  }
  TransferMatches matches;
  for (const PlannedTransfer& planned : plan.transfers) {
    const pb::Transfer* match = nullptr;
    if (const auto found = by_waybill.find(planned.waybill); found != by_waybill.end()) {
      match = found->second;
    } else if (const auto equal = drafts.find(ContentOf(planned.request).SerializeAsString());
               equal != drafts.end() && !equal->second.empty()) {
      match = equal->second.back();
      equal->second.pop_back();
    }
    matches.push_back(match);
  }
  return matches;
}

}  // namespace quartermaster::qmctl
