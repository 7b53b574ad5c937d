#include "inventory-svc/api/lot_suggestion_codec.h"

#include "inventory-svc/api/fields.h"
#include "platform/base/status_macros.h"
#include "platform/rpc/parse.h"

namespace quartermaster::inventory {
namespace {

template <typename Amount, typename Rendered>
void RenderAmount(const Amount& amount, Rendered& out) {
  out.set_lot(amount.lot.name);
  out.set_base_quantity(amount.quantity);
  out.set_expiry_date(amount.lot.expiry_date);
}

}  // namespace

absl::StatusOr<SuggestLotsCommand> ParseSuggestLots(const v1::SuggestLotsRequest& request) {
  rpc::FieldErrors errors;
  SuggestLotsCommand command{
      .location = rpc::ParseResourceName("location", "units/{unit}/locations/{location}",
                                         request.location(), errors),
      .item = rpc::ParseResourceName("item", "items/{item}", request.item(), errors),
      .quantity = ParseQuantity("quantity", request.quantity(), errors),
      .good_until = rpc::ParseOptionalDate("good_until_date", request.good_until_date(), errors)};
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

void RenderLotSuggestion(const MeasuredLotSuggestion& suggestion, v1::SuggestLotsResponse& out) {
  for (const LotPick& pick : suggestion.suggestion.picks) RenderAmount(pick, *out.add_picks());
  for (const PassedOverLot& lot : suggestion.suggestion.passed_over) {
    v1::PassedOverLot& rendered = *out.add_passed_over();
    RenderAmount(lot, rendered);
    rendered.set_reason(static_cast<v1::PassedOverLot::Reason>(lot.reason));
  }
  out.set_wanted_base_quantity(suggestion.wanted);
  out.set_missing_base_quantity(suggestion.suggestion.missing);
  out.set_base_unit(suggestion.base_unit);
}

}  // namespace quartermaster::inventory
