#include "qmctl/import/transfer_matches.h"

#include <string>

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
  absl::flat_hash_map<std::string, const pb::Transfer*> by_paper;
  absl::flat_hash_map<std::string, const pb::Transfer*> by_waybill;
  for (const pb::Transfer& transfer : books.transfers) {
    if (transfer.state() == pb::CANCELLED) continue;
    if (transfer.has_source_document()) {
      by_paper.emplace(transfer.source_document().SerializeAsString(), &transfer);
    } else if (!transfer.waybill().empty()) {
      by_waybill.emplace(transfer.waybill(), &transfer);
    }
  }
  TransferMatches matches;
  for (const PlannedTransfer& planned : plan.transfers) {
    const auto paper = by_paper.find(planned.request.source_document().SerializeAsString());
    const auto waybill = by_waybill.find(planned.waybill);
    matches.push_back(paper != by_paper.end()       ? paper->second
                      : waybill != by_waybill.end() ? waybill->second
                                                    : nullptr);
  }
  return matches;
}

}  // namespace quartermaster::qmctl
