#include "inventory-svc/domain/stock_ledger.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "inventory-svc/domain/item_units.h"
#include "inventory-svc/domain/ledger_errors.h"
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

// Answers a repeated request with what the first one wrote, or refuses another content.
absl::StatusOr<Movement> Replay(const EarlierMovement& earlier, const base::Sha256Digest& content,
                                const base::Uuid& request_id) {
  if (earlier.content_hash != content) return status::RequestIdReused(request_id.ToString());
  return earlier.movement;
}

}  // namespace

std::vector<BalanceKey> ResolvedLines::Balances() const {
  std::vector<BalanceKey> keys;
  keys.reserve(resolved.size() * 2);
  for (const ResolvedLine& line : resolved) {
    keys.push_back(line.source);
    keys.push_back(line.destination);
  }
  std::ranges::sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

absl::StatusOr<Movement> StockLedger::PostMovement(const base::Call& call,
                                                   const PostMovementCommand& command) {
  const absl::Time now = clock_.Now();
  QM_RETURN_IF_ERROR(CheckCommand(command, now));
  QM_RETURN_IF_ERROR(CheckMayPost(call, command, now));
  const base::Sha256Digest content = canonical::Hash("post-movement.1", command);
  QM_ASSIGN_OR_RETURN(const std::optional<EarlierMovement> earlier,
                      store_.FindByRequestId(call.deadline, call.caller.name, command.request_id));
  if (earlier.has_value()) return Replay(*earlier, content, command.request_id);

  QM_ASSIGN_OR_RETURN(const ResolvedLines lines,
                      Resolve(call.deadline, command.reason, command.lines));
  QM_RETURN_IF_ERROR(store_.MakeBalances(call.deadline, lines.Balances()));
  std::optional<Movement> posted;
  const absl::Status done = store_.Atomically(call.deadline, [&](StockBook& book) -> absl::Status {
    MovementRecord record{.movement = {.reason = command.reason,
                                       .occurred_time = command.occurred_time.value_or(now),
                                       .caller = call.caller.name,
                                       .source_document = command.source_document,
                                       .note = command.note},
                          .request_id = command.request_id,
                          .content_hash = content};
    QM_ASSIGN_OR_RETURN(
        posted, DecideAndRecord(call, book, std::move(record), lines, absl::InfinitePast()));
    return absl::OkStatus();
  });
  if (!done.ok()) return NameNoForeignMovement(call, command, done);
  return *std::move(posted);
}

absl::StatusOr<Movement> StockLedger::ReverseMovement(const base::Call& call,
                                                      const ReverseMovementCommand& command) {
  const absl::Time now = clock_.Now();
  const base::Sha256Digest content = canonical::Hash("reverse-movement.1", command);
  QM_ASSIGN_OR_RETURN(const std::optional<EarlierMovement> earlier,
                      store_.FindByRequestId(call.deadline, call.caller.name, command.request_id));
  if (earlier.has_value() && earlier->content_hash != content) {
    return status::RequestIdReused(command.request_id.ToString());
  }
  QM_ASSIGN_OR_RETURN(const std::optional<Movement> original,
                      store_.FindMovement(call.deadline, command.movement_id));
  if (!original.has_value()) return MovementNotFound(command.movement_id);
  QM_RETURN_IF_ERROR(CheckMayReverse(call.caller, *original, now));
  if (earlier.has_value()) return earlier->movement;
  if (original->reverses.has_value()) return ReversalNotReversible(command.movement_id);
  if (original->document.has_value()) {
    return OwnedByDocument(command.movement_id, *original->document);
  }

  QM_ASSIGN_OR_RETURN(const ResolvedLines lines,
                      Resolve(call.deadline, Reason::kReverse, Opposite(original->lines)));
  QM_RETURN_IF_ERROR(store_.MakeBalances(call.deadline, lines.Balances()));
  std::optional<Movement> posted;
  QM_RETURN_IF_ERROR(store_.Atomically(call.deadline, [&](StockBook& book) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const std::optional<Movement> locked,
                        book.LockMovement(command.movement_id));
    if (!locked.has_value()) return MovementNotFound(command.movement_id);
    MovementRecord record{.movement = {.reason = Reason::kReverse,
                                       .occurred_time = locked->occurred_time,
                                       .caller = call.caller.name,
                                       .note = command.note,
                                       .reverses = command.movement_id},
                          .request_id = command.request_id,
                          .content_hash = content};
    if (locked->reversed_by.has_value()) {
      // The one that reversed it may have been our own twin.
      QM_ASSIGN_OR_RETURN(const std::optional<EarlierMovement> twin,
                          book.FindByRequestId(call.caller.name, command.request_id));
      if (!twin.has_value()) return AlreadyReversed(command.movement_id, *locked->reversed_by);
      QM_ASSIGN_OR_RETURN(posted, Replay(*twin, content, command.request_id));
      return absl::OkStatus();
    }
    QM_ASSIGN_OR_RETURN(posted, DecideAndRecord(call, book, std::move(record), lines,
                                                locked->record_time + absl::Microseconds(1)));
    return absl::OkStatus();
  }));
  return *std::move(posted);
}

absl::StatusOr<Movement> StockLedger::PostForDocument(const base::Call& call, StockBook& book,
                                                      const DocumentPosting& posting) {
  MovementRecord record{.movement = {.reason = posting.reason,
                                     .occurred_time = posting.occurred_time,
                                     .caller = call.caller.name,
                                     .note = posting.note,
                                     .document = posting.document},
                        .request_id = posting.request_id};
  return DecideAndRecord(call, book, std::move(record), posting.lines, posting.not_before);
}

// The heart of every write: lock, look the request up again, decide, record.
absl::StatusOr<Movement> StockLedger::DecideAndRecord(const base::Call& call, StockBook& book,
                                                      MovementRecord record,
                                                      const ResolvedLines& lines,
                                                      absl::Time not_before) {
  QM_ASSIGN_OR_RETURN(std::vector<Balance> before, book.LockBalances(lines.Balances()));
  // Only now is a look-up final: a twin that held the locks before us has committed and may have
  // taken the last pieces itself. Refusing before this would deny what the caller already has.
  if (!record.movement.document.has_value()) {
    QM_ASSIGN_OR_RETURN(const std::optional<EarlierMovement> twin,
                        book.FindByRequestId(call.caller.name, record.request_id));
    if (twin.has_value()) return Replay(*twin, record.content_hash, record.request_id);
  }
  if (record.movement.source_document.has_value()) {
    QM_ASSIGN_OR_RETURN(const std::optional<base::Uuid> movement,
                        book.FindBySourceDocument(*record.movement.source_document));
    if (movement.has_value()) {
      return SourceDocumentPosted(*record.movement.source_document, *movement);
    }
  }
  QM_ASSIGN_OR_RETURN(Posting posting, Post(lines.resolved, std::move(before), lines.named,
                                            clock_.Now(), not_before));
  if (posting.shortage.has_value()) {
    const ResolvedLine& line = lines.resolved[posting.shortage->line - 1];
    QM_ASSIGN_OR_RETURN(posting.shortage->reserved,
                        book.SumReserved(line.source.location, line.source.lot));
    return InsufficientStock(*posting.shortage);
  }
  // Named under the locks, so that names ascend as record times do: lists go by names.
  record.movement.movement_id = uuids_.Next();
  record.movement.lines = lines.named;
  record.movement.record_time = posting.record_time;
  record.lines = lines.resolved;
  record.balances_after = std::move(posting.after);
  QM_RETURN_IF_ERROR(book.Record(call, record));
  return std::move(record.movement);
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

// A paper is unique over all units, so its refusal must not name what other units posted. Looked at
// after the transaction: inside, the movement would be read against the order of locks.
absl::Status StockLedger::NameNoForeignMovement(const base::Call& call,
                                                const PostMovementCommand& command,
                                                const absl::Status& refusal) const {
  const status::ErrorDetail detail = status::GetErrorDetail(refusal);
  if (detail.reason != "SOURCE_DOCUMENT_POSTED") return refusal;
  for (const auto& [key, name] : detail.metadata) {
    const auto movement_id =
        key == "movement" ? base::Uuid::Parse(LastSegment(name)) : std::nullopt;
    if (!movement_id.has_value()) continue;
    QM_ASSIGN_OR_RETURN(const std::optional<Movement> movement,
                        store_.FindMovement(call.deadline, *movement_id));
    const std::shared_ptr<const UnitTree> tree = units_.tree();
    const bool may_read =
        movement.has_value() &&
        std::ranges::any_of(UnitsOf(movement->lines), [&](const std::string& unit) {
          return Covers(call.caller, kRead, clock_.Now(), *tree, unit);
        });
    if (may_read) return refusal;
  }
  return SourceDocumentPosted(*command.source_document, std::nullopt);
}

absl::StatusOr<ResolvedLines> StockLedger::Resolve(absl::Time deadline, Reason reason,
                                                   std::vector<MovementLine> lines) const {
  ResolvedLines result{.named = std::move(lines)};
  result.resolved.resize(result.named.size());
  QM_ASSIGN_OR_RETURN(const std::vector<LocationPointer> destinations,
                      ResolveLocations(deadline, result));
  QM_ASSIGN_OR_RETURN(const std::vector<ItemPointer> items, ResolveLots(deadline, result));
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
    absl::Time deadline, ResolvedLines& lines) const {
  std::vector<std::string> item_names;
  std::vector<std::string> lot_names;
  for (const MovementLine& line : lines.named) {
    item_names.emplace_back(ItemOfLot(line.lot));
    lot_names.push_back(line.lot);
  }
  QM_ASSIGN_OR_RETURN(std::vector<ItemPointer> items, items_.GetItems(deadline, item_names));
  std::ranges::sort(lot_names);
  lot_names.erase(std::unique(lot_names.begin(), lot_names.end()), lot_names.end());
  QM_ASSIGN_OR_RETURN(const std::vector<LotRow> rows, store_.FindLots(deadline, lot_names));
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
