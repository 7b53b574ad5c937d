#include "inventory-svc/domain/stock_ledger.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "inventory-svc/domain/item_units.h"
#include "inventory-svc/domain/ledger_errors.h"
#include "inventory-svc/domain/lot_view.h"
#include "inventory-svc/domain/movement_view.h"
#include "inventory-svc/domain/names.h"
#include "inventory-svc/domain/posting_rules.h"
#include "inventory-svc/domain/scope.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"
#include "platform/values/canonical.h"

namespace quartermaster::inventory {
namespace {

constexpr char kPost[] = "ledger.post";
constexpr char kRead[] = "ledger.read";
constexpr char kReverse[] = "ledger.reverse";

}  // namespace

absl::StatusOr<PendingPosting> StockLedger::PreparePosting(const base::Call& call,
                                                           const PostMovementCommand& command) {
  const absl::Time now = clock_.Now();
  QM_RETURN_IF_ERROR(CheckCommand(command, now));
  QM_RETURN_IF_ERROR(CheckMayPost(call, command, now));
  PendingPosting posting{.call = call,
                         .movement = {.reason = command.reason,
                                      .occurred_time = command.occurred_time.value_or(now),
                                      .caller = call.caller.name,
                                      .source_document = command.source_document,
                                      .note = command.note},
                         .request_id = command.request_id,
                         .content_hash = canonical::Hash("post-movement.1", command)};
  const Scope scope(call.caller, {kRead, kPost}, now, units_.tree());
  absl::StatusOr<ResolvedLines> lines =
      Resolve(call.deadline, command.reason, command.lines, &scope);
  if (lines.ok()) {
    posting.lines = *std::move(lines);
  } else {
    posting.refusal = std::move(lines).status();
  }
  return posting;
}

absl::StatusOr<Movement> StockLedger::PostMovement(const base::Call& call,
                                                   const PostMovementCommand& command) {
  QM_ASSIGN_OR_RETURN(const PendingPosting posting, PreparePosting(call, command));
  QM_RETURN_IF_ERROR(store_.MakeBalances(call.deadline, posting.lines.Balances()));
  std::optional<Movement> posted;
  QM_RETURN_IF_ERROR(store_.Atomically(call.deadline, [&](StockBook& book) -> absl::Status {
    QM_ASSIGN_OR_RETURN(posted, PostOne(book, posting));
    return absl::OkStatus();
  }));
  return *std::move(posted);
}

absl::StatusOr<Movement> StockLedger::ReverseMovement(const base::Call& call,
                                                      const ReverseMovementCommand& command) {
  const absl::Time now = clock_.Now();
  PendingPosting posting{.call = call,
                         .movement = {.reason = Reason::kReverse,
                                      .caller = call.caller.name,
                                      .note = command.note,
                                      .reverses = command.movement_id},
                         .request_id = command.request_id,
                         .content_hash = canonical::Hash("reverse-movement.1", command)};
  const auto is_repeated_by = [&](const EarlierRequest& earlier) {
    return earlier.movement.has_value() && earlier.content_hash == posting.content_hash;
  };
  QM_ASSIGN_OR_RETURN(const std::optional<EarlierRequest> earlier,
                      store_.FindRequest(call.deadline, posting.Key()));
  if (earlier.has_value() && !is_repeated_by(*earlier)) {
    return status::RequestIdReused(command.request_id.ToString());
  }
  QM_ASSIGN_OR_RETURN(const std::optional<Movement> original,
                      store_.FindMovement(call.deadline, command.movement_id));
  if (!original.has_value()) return MovementNotFound(command.movement_id);
  QM_RETURN_IF_ERROR(CheckMayReverse(call.caller, *original, now));
  if (earlier.has_value()) return *earlier->movement;
  if (original->reverses.has_value()) return ReversalNotReversible(command.movement_id);
  if (original->document.has_value()) {
    return OwnedByDocument(command.movement_id, *original->document);
  }

  QM_ASSIGN_OR_RETURN(posting.lines,
                      Resolve(call.deadline, Reason::kReverse, Opposite(original->lines), nullptr));
  QM_RETURN_IF_ERROR(store_.MakeBalances(call.deadline, posting.lines.Balances()));
  std::optional<Movement> posted;
  QM_RETURN_IF_ERROR(store_.Atomically(call.deadline, [&](StockBook& book) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const std::optional<Movement> locked,
                        book.LockMovement(command.movement_id));
    if (!locked.has_value()) return MovementNotFound(command.movement_id);
    if (locked->reversed_by.has_value()) {
      // The one that reversed it may have been our own twin.
      QM_ASSIGN_OR_RETURN(Found found, book.LockAndFind({.requests = {posting.Key()}}));
      const auto twin = found.requests.find(posting.Key());
      if (twin == found.requests.end()) {
        return AlreadyReversed(command.movement_id, *locked->reversed_by);
      }
      if (!is_repeated_by(twin->second)) {
        return status::RequestIdReused(command.request_id.ToString());
      }
      posted = std::move(twin->second.movement);
      return absl::OkStatus();
    }
    PendingPosting reversal = posting;
    reversal.movement.occurred_time = locked->occurred_time;
    reversal.not_before = locked->record_time + absl::Microseconds(1);
    QM_ASSIGN_OR_RETURN(posted, PostOne(book, reversal));
    return absl::OkStatus();
  }));
  return *std::move(posted);
}

absl::StatusOr<Movement> StockLedger::PostForDocument(const base::Call& call, StockBook& book,
                                                      const DocumentPosting& posting) {
  return PostOne(book, {.call = call,
                        .movement = {.reason = posting.reason,
                                     .occurred_time = posting.occurred_time,
                                     .caller = call.caller.name,
                                     .note = posting.note,
                                     .document = posting.document},
                        .request_id = posting.request_id,
                        .lines = posting.lines,
                        .not_before = posting.not_before});
}

// A turn of one, whose refusal ends the transaction.
absl::StatusOr<Movement> StockLedger::PostOne(StockBook& book, const PendingPosting& posting) {
  QM_ASSIGN_OR_RETURN(std::vector<PostingAnswer> answers,
                      PostTurn(book, {&posting}, Ending::kOpen));
  return std::move(answers.front());
}

// The heart of every write.
absl::StatusOr<std::vector<PostingAnswer>> StockLedger::PostTurn(StockBook& book, const Turn& turn,
                                                                 Ending ending) {
  // What the books say under the locks is final: a twin that held them before has committed, and
  // may have taken the last pieces itself. Refusing on an earlier look would deny what the caller
  // already has.
  QM_ASSIGN_OR_RETURN(const Found found, book.LockAndFind(WantedBy(turn)));
  TurnDecision decision = DecideTurn(turn, found, clock_.Now(), [this] { return uuids_.Next(); });
  QM_RETURN_IF_ERROR(ExplainShortages(book, turn, decision));
  QM_RETURN_IF_ERROR(ExplainTakenPapers(book, turn, decision));
  if (!decision.record.movements.empty()) {
    QM_RETURN_IF_ERROR(ending == Ending::kCommit ? book.RecordAndCommit(decision.record)
                                                 : book.Record(decision.record));
  }
  return std::move(decision.answers);
}

absl::Status StockLedger::ExplainShortages(StockBook& book, const Turn& turn,
                                           TurnDecision& decision) const {
  if (decision.shortages.empty()) return absl::OkStatus();
  std::vector<std::pair<LocationId, LotId>> places;
  for (const auto& [posting, shortage] : decision.shortages) {
    const BalanceKey& source = turn[posting]->lines.resolved[shortage.line - 1].source;
    places.emplace_back(source.location, source.lot);
  }
  QM_ASSIGN_OR_RETURN(const std::vector<int64_t> reserved, book.SumReserved(places));
  for (size_t i = 0; i < decision.shortages.size(); ++i) {
    auto& [posting, shortage] = decision.shortages[i];
    shortage.reserved = reserved[i];
    decision.answers[posting] = InsufficientStock(shortage);
  }
  return absl::OkStatus();
}

// A paper is unique over all units, so its refusal must not name what other units posted.
absl::Status StockLedger::ExplainTakenPapers(StockBook& book, const Turn& turn,
                                             TurnDecision& decision) const {
  if (decision.taken_papers.empty()) return absl::OkStatus();
  std::vector<base::Uuid> in_books;
  for (const auto& taken : decision.taken_papers) {
    if (taken.lines.empty()) in_books.push_back(taken.movement_id);
  }
  QM_ASSIGN_OR_RETURN(const std::vector<Movement> movements, book.FindMovements(in_books));
  const std::shared_ptr<const UnitTree> tree = units_.tree();
  for (const auto& taken : decision.taken_papers) {
    std::vector<MovementLine> lines = taken.lines;
    for (const Movement& movement : movements) {
      if (movement.movement_id == taken.movement_id) lines = movement.lines;
    }
    const PendingPosting& posting = *turn[taken.posting];
    const bool may_read = std::ranges::any_of(UnitsOf(lines), [&](const std::string& unit) {
      return Covers(posting.call.caller, kRead, clock_.Now(), *tree, unit);
    });
    decision.answers[taken.posting] =
        SourceDocumentPosted(*posting.movement.source_document,
                             may_read ? std::optional(taken.movement_id) : std::nullopt);
  }
  return absl::OkStatus();
}

absl::Status StockLedger::CheckMayPost(const base::Call& call, const PostMovementCommand& command,
                                       absl::Time now) const {
  const std::vector<std::string> units = UnitsOf(command.lines);
  QM_ASSIGN_OR_RETURN(const std::shared_ptr<const UnitTree> tree,
                      units_.TreeWith(call.deadline, units));
  const absl::string_view extra = ExtraPermission(command.reason);
  for (const std::string& unit : units) {
    QM_RETURN_IF_ERROR(CheckCovers(call.caller, kPost, now, *tree, unit));
    if (!extra.empty()) QM_RETURN_IF_ERROR(CheckCovers(call.caller, extra, now, *tree, unit));
  }
  return absl::OkStatus();
}

// NOT_FOUND unless the caller's grants cover some location of the movement, PERMISSION_DENIED
// unless they cover all.
absl::Status StockLedger::CheckMayReverse(const base::Caller& caller, const Movement& movement,
                                          absl::Time now) const {
  const std::shared_ptr<const UnitTree> tree = units_.tree();
  bool covers_some = false;
  bool covers_all = true;
  for (const std::string& unit : UnitsOf(movement.lines)) {
    const bool covers = Covers(caller, kReverse, now, *tree, unit);
    covers_some = covers_some || covers;
    covers_all = covers_all && covers;
  }
  if (!covers_some) return MovementNotFound(movement.movement_id);
  if (covers_all) return absl::OkStatus();
  // The units that are not covered are not named: their lines are withheld from the caller.
  return status::PermissionDenied(
      kReverse, absl::StrCat("every unit of ", MovementName(movement.movement_id)));
}

absl::StatusOr<ResolvedLines> StockLedger::Resolve(absl::Time deadline, Reason reason,
                                                   std::vector<MovementLine> lines,
                                                   const Scope* scope) const {
  ResolvedLines result{.named = std::move(lines)};
  result.resolved.resize(result.named.size());
  QM_ASSIGN_OR_RETURN(const std::vector<LocationPointer> destinations,
                      ResolveLocations(deadline, result));
  QM_ASSIGN_OR_RETURN(const std::vector<ItemPointer> items, ResolveLots(deadline, result, scope));
  for (size_t i = 0; i < result.named.size(); ++i) {
    MovementLine& line = result.named[i];
    // A reversal, or a document, keeps the amount that was fixed before.
    if (line.base_quantity == 0) {
      QM_ASSIGN_OR_RETURN(line.base_quantity,
                          ToBase(items[i]->item, line.quantity.amount, line.quantity.unit));
    }
    result.resolved[i].base_quantity = line.base_quantity;
  }
  if (reason == Reason::kReverse) return result;
  for (size_t i = 0; i < result.named.size(); ++i) {
    const MovementLine& line = result.named[i];
    QM_RETURN_IF_ERROR(CheckStateChange(static_cast<int>(i) + 1, reason, line.source.state,
                                        line.destination.state));
  }
  QM_RETURN_IF_ERROR(CheckHazards(result, destinations, items));
  return result;
}

// Returns where each line comes to rest.
absl::StatusOr<std::vector<StockLedger::LocationPointer>> StockLedger::ResolveLocations(
    absl::Time deadline, ResolvedLines& lines) const {
  std::vector<LocationPointer> destinations;
  for (size_t i = 0; i < lines.named.size(); ++i) {
    const MovementLine& line = lines.named[i];
    QM_ASSIGN_OR_RETURN(const LocationPointer source,
                        units_.GetLocation(deadline, line.source.location));
    QM_ASSIGN_OR_RETURN(destinations.emplace_back(),
                        units_.GetLocation(deadline, line.destination.location));
    lines.resolved[i].source = {
        .location = source->id, .state = line.source.state, .holder = line.source.holder};
    lines.resolved[i].destination = {.location = destinations.back()->id,
                                     .state = line.destination.state,
                                     .holder = line.destination.holder};
  }
  return destinations;
}

// Returns the item of each line.
absl::StatusOr<std::vector<StockLedger::ItemPointer>> StockLedger::ResolveLots(
    absl::Time deadline, ResolvedLines& lines, const Scope* scope) const {
  std::vector<std::string> item_names;
  std::vector<std::string> lot_names;
  for (const MovementLine& line : lines.named) {
    item_names.emplace_back(ItemOfLot(line.lot));
    lot_names.push_back(line.lot);
  }
  QM_ASSIGN_OR_RETURN(std::vector<ItemPointer> items, items_.GetItems(deadline, item_names));
  std::ranges::sort(lot_names);
  lot_names.erase(std::unique(lot_names.begin(), lot_names.end()), lot_names.end());
  QM_ASSIGN_OR_RETURN(const std::vector<LotRow> rows,
                      scope == nullptr ? store_.FindLots(deadline, lot_names)
                                       : FindKnownLots(store_, deadline, *scope, lot_names));
  absl::flat_hash_map<absl::string_view, LotId> ids;
  for (const LotRow& row : rows) ids[row.lot.name] = row.id;
  for (size_t i = 0; i < lines.named.size(); ++i) {
    const auto id = ids.find(lines.named[i].lot);
    if (id == ids.end()) return LotNotFound(lines.named[i].lot);
    lines.resolved[i].source.lot = lines.resolved[i].destination.lot = id->second;
  }
  return items;
}

// Flammables come to rest in a store apart; on the road and outside they may be anywhere.
absl::Status StockLedger::CheckHazards(const ResolvedLines& lines,
                                       const std::vector<LocationPointer>& destinations,
                                       const std::vector<ItemPointer>& items) const {
  for (size_t i = 0; i < lines.named.size(); ++i) {
    const State state = lines.named[i].destination.state;
    const bool rests = IsInside(state) && state != State::kInTransit;
    if (rests && items[i]->item.hazard == HazardClass::kFlammable &&
        destinations[i]->kind != LocationKind::kFlammablesStore) {
      return HazardStoreRequired(static_cast<int>(i) + 1, items[i]->item.name,
                                 destinations[i]->name);
    }
  }
  return absl::OkStatus();
}

}  // namespace quartermaster::inventory
