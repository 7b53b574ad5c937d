#include "inventory-svc/domain/lot_tracer.h"

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <utility>

#include "absl/numeric/int128.h"
#include "inventory-svc/domain/ledger_errors.h"
#include "inventory-svc/domain/lot_view.h"
#include "inventory-svc/domain/movement_view.h"
#include "inventory-svc/domain/names.h"
#include "inventory-svc/domain/scope.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/values/exact.h"

namespace quartermaster::inventory {
namespace {

constexpr char kRead[] = "ledger.read";
constexpr size_t kListedBalancesMax = 1000;

bool IsOneOf(State state, std::initializer_list<State> states) {
  return std::ranges::find(states, state) != states.end();
}

// Each once, in order: a caller may hold several grants on one unit.
std::vector<UnitId> UnitsOf(const Scope& scope) {
  std::vector<UnitId> units = scope.Units();
  std::ranges::sort(units);
  units.erase(std::unique(units.begin(), units.end()), units.end());
  return units;
}

}  // namespace

LotTotals SumLot(const std::vector<BalanceRow>& balances) {
  const auto sum = [&](std::initializer_list<State> states) {
    absl::int128 total = 0;
    for (const BalanceRow& balance : balances) {
      if (IsOneOf(balance.account.state, states)) total += balance.quantity;
    }
    return total;
  };
  using enum State;
  absl::int128 all = 0;
  for (const BalanceRow& balance : balances) all += balance.quantity;
  return {.received = values::Saturate(
              -sum({kSupplier, kDonor, kMinistry, kProvince, kPeer, kFound, kOpening})),
          .on_hand = values::Saturate(sum({kAvailable, kReserved, kQuarantine})),
          .in_transit = values::Saturate(sum({kInTransit})),
          .in_use = values::Saturate(sum({kInUse})),
          .consumed = values::Saturate(sum({kConsumed})),
          .sold = values::Saturate(sum({kSold})),
          .given = values::Saturate(sum({kExternal})),
          .lost = values::Saturate(sum({kLost})),
          .expired = values::Saturate(sum({kExpired})),
          .destroyed = values::Saturate(sum({kDestroyed})),
          .elsewhere = values::Saturate(-all)};
}

absl::StatusOr<LotTrace> LotTracer::TraceLot(const base::Call& call,
                                             const TraceLotCommand& command) {
  const absl::Time now = clock_.Now();
  QM_RETURN_IF_ERROR(CheckAsOf(command.as_of, now));
  LotTrace trace;
  QM_ASSIGN_OR_RETURN(trace.moment, history_.FindMoment(call.deadline, command.as_of));
  QM_RETURN_IF_ERROR(GoBackTo(command.sequence, trace.moment));
  const Scope scope(call.caller, {kRead}, now, units_.tree());
  QM_ASSIGN_OR_RETURN(const std::vector<LotRow> known,
                      FindKnownLots(store_, call.deadline, scope, {command.name}));
  if (known.empty()) return LotNotFound(command.name);
  trace.lot = known[0].lot;
  QM_ASSIGN_OR_RETURN(const std::shared_ptr<const KnownItem> item,
                      items_.GetItem(call.deadline, ItemOfLot(command.name)));
  trace.base_unit = item->item.base_unit;
  const std::vector<UnitId> units = UnitsOf(scope);

  QM_ASSIGN_OR_RETURN(LotMovementPage page,
                      lots_.ListMovements(call.deadline,
                                          {.lot = known[0].id,
                                           .units = units,
                                           .is_newest_first = command.is_newest_first,
                                           .after_sequence = command.after_sequence,
                                           .limit = command.page_size},
                                          trace.moment));
  QM_RETURN_IF_ERROR(ForgetLaterReversals(history_, call.deadline, trace.moment, page.movements));
  for (Movement& movement : page.movements) {
    std::optional<Movement> seen = SeenBy(scope, std::move(movement));
    QM_CHECK(seen.has_value());
    std::erase_if(seen->lines, [&](const MovementLine& line) { return line.lot != command.name; });
    trace.movements.push_back(*std::move(seen));
  }
  trace.next_after = page.next_after;
  if (command.after_sequence.has_value()) return trace;

  LotStanding& standing = trace.standing.emplace();
  QM_ASSIGN_OR_RETURN(standing.balances,
                      lots_.ListBalances(call.deadline, known[0].id, units, trace.moment));
  standing.totals = SumLot(standing.balances);
  if (standing.balances.size() > kListedBalancesMax) {
    standing.unlisted_balance_count = standing.balances.size() - kListedBalancesMax;
    standing.balances.resize(kListedBalancesMax);
  }
  return trace;
}

}  // namespace quartermaster::inventory
