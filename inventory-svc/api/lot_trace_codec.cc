#include "inventory-svc/api/lot_trace_codec.h"

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "inventory-svc/api/fields.h"
#include "inventory-svc/api/ledger_codec.h"
#include "platform/base/status_macros.h"
#include "platform/rpc/page_token.h"
#include "platform/rpc/parse.h"

namespace quartermaster::inventory {
namespace {

using Request = v1::TraceLotRequest;

// Which way a trace is told, when nobody says.
Request::Direction DirectionOf(const Request& request) {
  return request.direction() == Request::DIRECTION_UNSPECIFIED ? Request::ON_TO_USE
                                                               : request.direction();
}

// What pages of one trace have in common.
std::string QueryOf(Request request) {
  request.clear_page_token();
  request.clear_page_size();
  request.set_direction(DirectionOf(request));
  return absl::StrCat("TraceLot\n", request.SerializeAsString());
}

// Anybody can make a token, so what it says is bounded. False if it is none of ours.
bool TakePosition(const std::string& position, TraceLotCommand& command) {
  constexpr int64_t kSequenceMax = int64_t{1} << 60;
  const std::vector<std::string> parts = absl::StrSplit(position, '@');
  int64_t after = 0;
  int64_t sequence = 0;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &after) ||
      !absl::SimpleAtoi(parts[1], &sequence) || after < 1 || after > sequence ||
      sequence > kSequenceMax) {
    return false;
  }
  command.after_sequence = after;
  command.sequence = sequence;
  return true;
}

void RenderTotals(const LotTotals& totals, const std::string& base_unit, v1::LotTotals& out) {
  out.set_received_quantity(totals.received);
  out.set_on_hand_quantity(totals.on_hand);
  out.set_in_transit_quantity(totals.in_transit);
  out.set_in_use_quantity(totals.in_use);
  out.set_consumed_quantity(totals.consumed);
  out.set_sold_quantity(totals.sold);
  out.set_given_quantity(totals.given);
  out.set_lost_quantity(totals.lost);
  out.set_expired_quantity(totals.expired);
  out.set_destroyed_quantity(totals.destroyed);
  out.set_elsewhere_quantity(totals.elsewhere);
  out.set_base_unit(base_unit);
}

}  // namespace

absl::StatusOr<TraceLotCommand> ParseTraceLot(const Request& request) {
  rpc::FieldErrors errors;
  TraceLotCommand command{
      .name = rpc::ParseResourceName("name", "items/{item}/lots/{lot}", request.name(), errors),
      .page_size = rpc::ParsePageSize(request.page_size(), rpc::PageSizes(), errors),
      .as_of = ParseAsOf(request.as_of(), errors)};
  const auto direction =
      rpc::ParseEnumValue<Request::Direction>("direction", DirectionOf(request), errors);
  command.is_newest_first = direction == Request::BACK_TO_SOURCE;
  // The record that the page begins after, and the last of those that all pages rest on.
  const std::string position = rpc::ParsePageToken(request.page_token(), QueryOf(request), errors);
  if (!position.empty() && !TakePosition(position, command)) {
    errors.Add("page_token", "was not made for this trace");
  }
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

void RenderLotTrace(const Request& request, const LotTrace& trace, v1::TraceLotResponse& out) {
  RenderLot(trace.lot, *out.mutable_lot());
  for (const Movement& movement : trace.movements) RenderMovement(movement, *out.add_movements());
  if (trace.next_after.has_value()) {
    out.set_next_page_token(rpc::MakePageToken(
        QueryOf(request), absl::StrCat(*trace.next_after, "@", trace.moment.sequence)));
  }
  if (trace.standing.has_value()) {
    RenderTotals(trace.standing->totals, trace.base_unit, *out.mutable_totals());
    for (const BalanceRow& balance : trace.standing->balances) {
      RenderBalance({.row = balance, .base_unit = trace.base_unit}, *out.add_balances());
    }
    out.set_unlisted_balance_count(static_cast<int32_t>(trace.standing->unlisted_balance_count));
  }
  RenderMoment(trace.moment, *out.mutable_sealed_moment());
}

}  // namespace quartermaster::inventory
