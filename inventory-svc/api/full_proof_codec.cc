#include "inventory-svc/api/full_proof_codec.h"

#include <string>

#include "absl/numeric/int128.h"
#include "absl/strings/str_cat.h"
#include "inventory-svc/api/fields.h"
#include "inventory-svc/api/ledger_codec.h"
#include "platform/base/status_macros.h"
#include "platform/rpc/page_token.h"
#include "platform/rpc/parse.h"
#include "platform/values/exact.h"

namespace quartermaster::inventory {
namespace {

constexpr rpc::PageSizes kLines{.default_size = 20'000, .size_max = 200'000};

// What pages of one proof have in common.
std::string QueryOf(v1::ProveConservationRequest request) {
  request.clear_page_token();
  request.clear_page_size();
  return absl::StrCat("ProveConservation\n", request.SerializeAsString());
}

}  // namespace

absl::StatusOr<ProveFromLinesCommand> ParseProveFromLines(
    const v1::ProveConservationRequest& request) {
  rpc::FieldErrors errors;
  ProveFromLinesCommand command;
  command.item = request.item();
  if (!request.item().empty())
    rpc::ParseResourceName("item", "items/{item}", request.item(), errors);
  command.line_count = rpc::ParsePageSize(request.page_size(), kLines, errors);
  command.as_of = ParseAsOf(request.as_of(), errors);
  if (request.as_of().has_occurred_time()) {
    errors.Add("as_of.occurred_time",
               "is not asked for in a proof: on that clock balances may be below zero");
  }
  const std::string position = rpc::ParsePageToken(request.page_token(), QueryOf(request), errors);
  if (!position.empty()) {
    command.from = ProofPosition::FromText(position);
    if (!command.from.has_value()) errors.Add("page_token", "was not made for this proof");
  }
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

void RenderProofPage(const v1::ProveConservationRequest& request, const NamedProofPage& page,
                     absl::Time read_time, v1::ProveConservationResponse& out) {
  bool is_conserved = page.differences.empty();
  for (const NamedItemProof& proof : page.items) {
    v1::ConservationProof& rendered = *out.add_proofs();
    rendered.set_item(proof.item);
    rendered.set_inside_quantity(values::Saturate(proof.sums.inside));
    rendered.set_outside_quantity(values::Saturate(proof.sums.outside));
    rendered.set_difference(values::Saturate(proof.sums.inside + proof.sums.outside));
    rendered.set_balance_count(proof.sums.balance_count);
    rendered.set_negative_count(proof.sums.negative_count);
    is_conserved &= rendered.difference() == 0 && rendered.negative_count() == 0;
  }
  for (const NamedDifference& named : page.differences) {
    v1::BalanceDifference& rendered = *out.add_differences();
    rendered.set_kind(static_cast<v1::BalanceDifference::Kind>(named.difference.kind));
    RenderAccount(named.account, *rendered.mutable_account());
    rendered.set_lot(named.lot);
    rendered.set_expected_quantity(values::Saturate(named.difference.expected));
    rendered.set_found_quantity(values::Saturate(named.difference.found));
  }
  out.set_is_conserved(is_conserved);
  *out.mutable_read_time() = rpc::RenderTimestamp(read_time);
  if (!page.is_done) {
    out.set_next_page_token(rpc::MakePageToken(QueryOf(request), page.position.ToText()));
  }
  out.set_checked_balance_count(page.position.checked_balance_count);
  out.set_balance_count(page.position.balance_count);
  out.set_summed_line_count(page.position.summed_line_count);
  RenderMoment(page.moment, *out.mutable_sealed_moment());
}

}  // namespace quartermaster::inventory
