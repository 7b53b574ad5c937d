#include "inventory-svc/domain/stock_reader.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "inventory-svc/domain/catalog_errors.h"
#include "inventory-svc/domain/expiry.h"
#include "inventory-svc/domain/item_units.h"
#include "inventory-svc/domain/ledger_errors.h"
#include "inventory-svc/domain/lot_view.h"
#include "inventory-svc/domain/movement_view.h"
#include "inventory-svc/domain/names.h"
#include "inventory-svc/domain/scope.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"

namespace quartermaster::inventory {
namespace {

constexpr char kRead[] = "ledger.read";
constexpr char kProve[] = "ledger.prove";
// What a suggestion looks at: more lots of one item than any place keeps.
constexpr int kLotAmountsMax = 5000;

template <typename Key, typename Value>
std::vector<Key> KeysOf(const absl::flat_hash_map<Key, Value>& map) {
  std::vector<Key> keys;
  keys.reserve(map.size());
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}

// Takes the lines out of `summary` that its page does not show.
void Cut(const SummarizeStockCommand& command, StockSummary& summary) {
  std::vector<NamedStockLine>& lines = summary.lines;
  const auto first = std::ranges::upper_bound(
      lines,
      std::pair<absl::string_view, absl::string_view>(command.after_unit, command.after_item), {},
      [](const NamedStockLine& line) { return std::pair(line.unit, line.item); });
  lines.erase(lines.begin(), first);
  const auto page_size = static_cast<size_t>(command.page_size);
  summary.has_more = lines.size() > page_size;
  if (summary.has_more) lines.erase(lines.begin() + command.page_size, lines.end());
}

}  // namespace

absl::StatusOr<Movement> StockReader::GetMovement(const base::Call& call,
                                                  const base::Uuid& movement_id,
                                                  const AsOf& as_of) {
  QM_RETURN_IF_ERROR(CheckAsOf(as_of, clock_.Now()));
  QM_ASSIGN_OR_RETURN(const std::optional<Moment> moment, FindMoment(call.deadline, as_of));
  QM_ASSIGN_OR_RETURN(std::optional<Movement> movement,
                      store_.FindMovement(call.deadline, movement_id));
  if (!movement.has_value()) return MovementNotFound(movement_id);
  if (moment.has_value()) {
    QM_ASSIGN_OR_RETURN(const std::vector<base::Uuid> known,
                        history_.FindMovements(call.deadline, {movement_id}, *moment));
    if (known.empty()) return MovementNotFound(movement_id);
    std::vector<Movement> one = {*std::move(movement)};
    QM_RETURN_IF_ERROR(ForgetLaterReversals(history_, call.deadline, *moment, one));
    movement = std::move(one[0]);
  }
  // Another replica may have created its units a moment ago.
  QM_ASSIGN_OR_RETURN(std::shared_ptr<const UnitTree> tree,
                      units_.TreeWith(call.deadline, UnitsOf(movement->lines)));
  std::optional<Movement> seen =
      SeenBy(Scope(call.caller, {kRead}, clock_.Now(), std::move(tree)), *std::move(movement));
  if (!seen.has_value()) return MovementNotFound(movement_id);
  return *std::move(seen);
}

absl::StatusOr<MovementPage> StockReader::ListMovements(const base::Call& call,
                                                        const ListMovementsCommand& command) {
  QM_RETURN_IF_ERROR(CheckAsOf(command.as_of, clock_.Now()));
  MovementQuery query{.before = command.before, .limit = command.page_size};
  QM_ASSIGN_OR_RETURN(CoveredUnits covered, CoveredSubtree(call, command.unit));
  query.units = std::move(covered.units);
  if (!command.item.empty()) {
    QM_ASSIGN_OR_RETURN(const auto item, items_.GetItem(call.deadline, command.item));
    query.item = item->id;
  }
  QM_ASSIGN_OR_RETURN(query.moment, FindMoment(call.deadline, command.as_of));
  if (query.moment.has_value()) QM_RETURN_IF_ERROR(GoBackTo(command.sequence, *query.moment));
  QM_ASSIGN_OR_RETURN(MovementPage page, queries_.ListMovements(call.deadline, query));
  page.moment = query.moment;
  if (page.moment.has_value()) {
    QM_RETURN_IF_ERROR(ForgetLaterReversals(history_, call.deadline, *page.moment, page.movements));
  }
  // Judged by the tree that it was found by, at the same time, though a grant may have ended since:
  // each touches one of the units at least.
  const Scope scope(call.caller, {kRead}, covered.time, std::move(covered.tree));
  for (Movement& movement : page.movements) {
    std::optional<Movement> seen = SeenBy(scope, std::move(movement));
    QM_CHECK(seen.has_value());
    movement = *std::move(seen);
  }
  return page;
}

absl::StatusOr<Lot> StockReader::GetLot(const base::Call& call, const std::string& name) {
  QM_ASSIGN_OR_RETURN(LotRow known, GetKnownLot(call, name));
  return std::move(known.lot);
}

absl::StatusOr<std::vector<Lot>> StockReader::ListLots(const base::Call& call,
                                                       const ListLotsCommand& command) {
  QM_ASSIGN_OR_RETURN(const auto items, items_.GetItems(call.deadline, {command.item}));
  QM_ASSIGN_OR_RETURN(
      const std::vector<LotRow> rows,
      queries_.ListLots(call.deadline,
                        {.item = items[0]->id,
                         .units = Scope(call.caller, {kRead}, clock_.Now(), units_.tree()).Units(),
                         .after_expiry = command.after_expiry,
                         .after_name = command.after_name,
                         .limit = command.page_size + 1}));
  std::vector<Lot> lots;
  for (const LotRow& row : rows) lots.push_back(row.lot);
  return lots;
}

absl::StatusOr<BalancePage> StockReader::ListBalances(const base::Call& call,
                                                      const ListBalancesCommand& command) {
  QM_RETURN_IF_ERROR(CheckAsOf(command.as_of, clock_.Now()));
  BalanceQuery query{
      .state = command.state, .after = command.after, .limit = command.page_size + 1};
  QM_ASSIGN_OR_RETURN(CoveredUnits covered, CoveredSubtree(call, command.unit));
  query.units = std::move(covered.units);
  if (!command.item.empty()) {
    QM_ASSIGN_OR_RETURN(const auto item, items_.GetItem(call.deadline, command.item));
    query.item = item->id;
  }
  if (!command.lot.empty()) {
    QM_ASSIGN_OR_RETURN(const LotRow lot, GetKnownLot(call, command.lot));
    query.lot = lot.id;
  }
  BalancePage page;
  QM_ASSIGN_OR_RETURN(page.moment, FindMoment(call.deadline, command.as_of));
  if (page.moment.has_value()) QM_RETURN_IF_ERROR(GoBackTo(command.sequence, *page.moment));
  QM_ASSIGN_OR_RETURN(std::vector<BalanceRow> rows,
                      page.moment.has_value()
                          ? history_.ListBalances(call.deadline, query, *page.moment)
                          : queries_.ListBalances(call.deadline, query));
  std::vector<ItemId> ids;
  for (const BalanceRow& row : rows) ids.push_back(row.item);
  QM_ASSIGN_OR_RETURN(const auto items, items_.GetItemsById(call.deadline, ids));
  for (size_t i = 0; i < rows.size(); ++i) {
    page.balances.push_back({.row = std::move(rows[i]), .base_unit = items[i]->item.base_unit});
  }
  return page;
}

absl::StatusOr<MeasuredLotSuggestion> StockReader::SuggestLots(const base::Call& call,
                                                               const SuggestLotsCommand& command) {
  const std::string unit(UnitOfLocation(command.location));
  QM_ASSIGN_OR_RETURN(const std::shared_ptr<const UnitTree> tree,
                      units_.TreeWith(call.deadline, {unit}));
  QM_RETURN_IF_ERROR(CheckCovers(call.caller, kRead, clock_.Now(), *tree, unit));
  QM_ASSIGN_OR_RETURN(const std::shared_ptr<const LocationFacts> location,
                      units_.GetLocation(call.deadline, command.location));
  QM_ASSIGN_OR_RETURN(const auto items, items_.GetItems(call.deadline, {command.item}));
  const Item& item = items[0]->item;
  QM_ASSIGN_OR_RETURN(const int64_t wanted,
                      ToBase(item, command.quantity.amount, command.quantity.unit));
  // What has expired today is not picked for a day that is over.
  const std::string good_until =
      std::max(command.good_until, ExpiringBefore(clock_.Now(), time_zone_, 0));
  QM_ASSIGN_OR_RETURN(std::vector<LotAmount> amounts,
                      queries_.ListLotAmounts(call.deadline, {.location = location->id,
                                                              .item = items[0]->id,
                                                              .good_until = good_until,
                                                              .limit = kLotAmountsMax}));
  return MeasuredLotSuggestion{
      .suggestion = inventory::SuggestLots(std::move(amounts), wanted, good_until),
      .wanted = wanted,
      .base_unit = item.base_unit};
}

absl::StatusOr<StockSummary> StockReader::SummarizeStock(const base::Call& call,
                                                         const SummarizeStockCommand& command) {
  const absl::Time now = clock_.Now();
  const AsOf& as_of = command.as_of;
  QM_RETURN_IF_ERROR(CheckAsOf(as_of, now));
  QM_ASSIGN_OR_RETURN(CoveredUnits covered, CoveredSubtree(call, command.unit));
  // What the pages before have shown is not added up again.
  std::erase_if(covered.units, [&](UnitId unit) {
    return covered.tree->NameOf(unit) < absl::string_view(command.after_unit);
  });
  QM_ASSIGN_OR_RETURN(std::optional<Moment> moment, FindMoment(call.deadline, as_of));
  if (moment.has_value()) QM_RETURN_IF_ERROR(GoBackTo(command.sequence, *moment));
  // What was soon to expire then is told of a past moment.
  const absl::Time today = as_of.occurred_time.value_or(as_of.record_time.value_or(now));
  const std::string horizon = ExpiringBefore(today, time_zone_, command.expiring_days);
  QM_ASSIGN_OR_RETURN(const std::vector<StockLine> sums,
                      moment.has_value()
                          ? history_.SumStock(call.deadline, covered.units, horizon, *moment)
                          : queries_.SumStock(call.deadline, covered.units, horizon));
  QM_ASSIGN_OR_RETURN(StockSummary summary, NameLines(call.deadline, covered.tree, sums));
  summary.moment = moment;
  Cut(command, summary);
  return summary;
}

absl::StatusOr<StockSummary> StockReader::NameLines(absl::Time deadline,
                                                    std::shared_ptr<const UnitTree> tree,
                                                    const std::vector<StockLine>& sums) {
  StockSummary summary{.tree = std::move(tree)};
  absl::flat_hash_map<UnitId, size_t> units;
  absl::flat_hash_map<ItemId, size_t> items;
  for (const StockLine& sum : sums) {
    units.try_emplace(sum.unit);
    items.try_emplace(sum.item);
  }
  QM_ASSIGN_OR_RETURN(summary.items, items_.GetItemsById(deadline, KeysOf(items)));
  std::ranges::sort(summary.items, {}, [](const auto& known) { return known->item.name; });
  for (size_t i = 0; i < summary.items.size(); ++i) items[summary.items[i]->id] = i;
  std::vector<UnitId> unit_ids = KeysOf(units);
  const auto name_of = [&](UnitId unit) { return summary.tree->NameOf(unit); };
  std::ranges::sort(unit_ids, {}, name_of);
  for (size_t i = 0; i < unit_ids.size(); ++i) units[unit_ids[i]] = i;

  // By the places of a few names, which compare faster than the names of thousands of lines.
  struct Placed {
    size_t unit;
    size_t item;
    const StockLine* sum;
  };
  std::vector<Placed> placed;
  placed.reserve(sums.size());
  for (const StockLine& sum : sums) {
    placed.push_back({.unit = units[sum.unit], .item = items[sum.item], .sum = &sum});
  }
  std::ranges::sort(placed, {}, [](const Placed& line) { return std::pair(line.unit, line.item); });
  summary.lines.reserve(placed.size());
  for (const Placed& line : placed) {
    const Item& item = summary.items[line.item]->item;
    summary.lines.push_back({.unit = name_of(line.sum->unit),
                             .item = item.name,
                             .base_unit = item.base_unit,
                             .amounts = *line.sum});
  }
  return summary;
}

absl::StatusOr<std::vector<NamedProof>> StockReader::ProveConservation(const base::Call& call,
                                                                       const std::string& item) {
  if (units_.tree()->empty()) QM_RETURN_IF_ERROR(units_.LookAgain(call.deadline));
  QM_RETURN_IF_ERROR(CheckCoversRoot(call.caller, kProve, clock_.Now(), *units_.tree()));
  std::optional<ItemId> id;
  if (!item.empty()) {
    QM_ASSIGN_OR_RETURN(const auto found, items_.GetItems(call.deadline, {item}));
    id = found[0]->id;
  }
  QM_ASSIGN_OR_RETURN(const std::vector<ConservationProof> sums,
                      queries_.ProveConservation(call.deadline, id));
  std::vector<ItemId> ids;
  for (const ConservationProof& proof : sums) ids.push_back(proof.item);
  QM_ASSIGN_OR_RETURN(const auto items, items_.GetItemsById(call.deadline, ids));
  std::vector<NamedProof> proofs;
  for (size_t i = 0; i < sums.size(); ++i) {
    proofs.push_back({.item = items[i]->item.name, .sums = sums[i]});
  }
  std::ranges::sort(proofs, {}, &NamedProof::item);
  return proofs;
}

absl::StatusOr<std::optional<Moment>> StockReader::FindMoment(absl::Time deadline,
                                                              const AsOf& as_of) {
  if (!as_of.is_set()) return std::nullopt;
  return history_.FindMoment(deadline, as_of);
}

absl::StatusOr<StockReader::CoveredUnits> StockReader::CoveredSubtree(const base::Call& call,
                                                                      const std::string& unit) {
  CoveredUnits covered{.time = clock_.Now()};
  QM_ASSIGN_OR_RETURN(covered.tree, units_.TreeWith(call.deadline, {unit}));
  QM_ASSIGN_OR_RETURN(const UnitId id,
                      GetCovered(call.caller, kRead, covered.time, *covered.tree, unit));
  covered.units = covered.tree->Subtree(id);
  return covered;
}

absl::StatusOr<LotRow> StockReader::GetKnownLot(const base::Call& call, const std::string& name) {
  const Scope scope(call.caller, {kRead}, clock_.Now(), units_.tree());
  QM_ASSIGN_OR_RETURN(std::vector<LotRow> known,
                      FindKnownLots(store_, call.deadline, scope, {name}));
  if (known.empty()) return LotNotFound(name);
  return std::move(known[0]);
}

}  // namespace quartermaster::inventory
