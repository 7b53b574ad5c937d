#include "inventory-svc/domain/transfer_desk.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "inventory-svc/domain/ledger_errors.h"
#include "inventory-svc/domain/names.h"
#include "inventory-svc/domain/scope.h"
#include "inventory-svc/domain/transfer_rules.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"
#include "platform/values/canonical.h"

namespace quartermaster::inventory {
namespace {

using document::Current;
using document::Versioned;

constexpr char kCreate[] = "transfers.create";
constexpr char kRead[] = "transfers.read";
constexpr char kReadUnits[] = "units.read";
constexpr char kReadLots[] = "ledger.read";
// An answer stays far below the four megabytes that gRPC takes by default.
constexpr size_t kPageLinesMax = 2000;

document::Change<Transfer> MakeChange(Transfer transfer) {
  document::Change<Transfer> change{.occurred_time = transfer.occurred_time,
                                    .state = std::string(ToName(transfer.state))};
  change.tasks = kTransferTable.TasksIn(transfer.state, PlacesOf(transfer), ActorsOf(transfer));
  change.after = std::move(transfer);
  return change;
}

// Ends a page where it has as many lines as an answer may have.
void EndPageByLines(TransferPage& page) {
  size_t line_count = 0;
  for (size_t i = 0; i < page.transfers.size(); ++i) {
    line_count += page.transfers[i].body.lines.size();
    if (i == 0 || line_count <= kPageLinesMax) continue;
    page.transfers.resize(i);
    page.next_before = page.transfers.back().body.transfer_id;
    return;
  }
}

}  // namespace

absl::StatusOr<Versioned<Transfer>> TransferDesk::CreateTransfer(
    const base::Call& call, const CreateTransferCommand& command) {
  const absl::Time now = clock_.Now();
  QM_RETURN_IF_ERROR(CheckOccurredTime(command.occurred_time, now));
  const std::string source_unit(UnitOfLocation(command.source));
  const std::string destination_unit(UnitOfLocation(command.destination));
  QM_ASSIGN_OR_RETURN(const std::shared_ptr<const UnitTree> tree,
                      units_.TreeWith(call.deadline, {source_unit, destination_unit}));
  QM_RETURN_IF_ERROR(CheckCovers(call.caller, kCreate, now, *tree, source_unit));
  // Whether there is such a place is told to those alone who may read the unit.
  QM_RETURN_IF_ERROR(CheckCovers(call.caller, kReadUnits, now, *tree, destination_unit));
  Transfer draft{.transfer_id = uuids_.Next(),
                 .source = command.source,
                 .destination = command.destination,
                 .lines = command.lines,
                 .creator = call.caller.name,
                 .source_document = command.source_document,
                 .occurred_time = command.occurred_time};
  // Looked up as goods that arrive, because what may not rest at the destination may not be sent.
  std::vector<MovementLine> arriving = DispatchLines(draft);
  for (MovementLine& line : arriving) {
    line.source = OnTheRoad(draft);
    line.destination = {.location = draft.destination, .state = State::kAvailable};
  }
  const Scope scope(call.caller, {kCreate, kReadLots}, now, tree);
  const absl::StatusOr<ResolvedLines> resolved =
      ledger_.Resolve(call.deadline, Reason::kArrive, std::move(arriving), &scope);
  return document::Write<Transfer, TransferBook>(
      store_, call.deadline,
      document::MakeRequest(call, command.request_id,
                            canonical::Hash("create-transfer.1", command)),
      TransferName(draft.transfer_id), now,
      {.lock = [](TransferBook&) -> absl::StatusOr<Current<Transfer>> {
         return Current<Transfer>();
       },
       .authorize = document::AuthorizedByName<Transfer>,
       .decide = [&](TransferBook& book, const Current<Transfer>&,
                     absl::Time record_time) -> absl::StatusOr<document::Change<Transfer>> {
         QM_ASSIGN_OR_RETURN(const std::shared_ptr<const LocationFacts> source,
                             units_.GetLocation(call.deadline, draft.source));
         QM_ASSIGN_OR_RETURN(const std::shared_ptr<const LocationFacts> destination,
                             units_.GetLocation(call.deadline, draft.destination));
         QM_RETURN_IF_ERROR(resolved.status());
         QM_RETURN_IF_ERROR(CheckPaperIsFree(call, book, draft.source_document));
         Transfer transfer = draft;
         for (size_t i = 0; i < transfer.lines.size(); ++i) {
           transfer.lines[i].base_quantity = resolved->named[i].base_quantity;
         }
         transfer.create_time = transfer.update_time = record_time;
         QM_RETURN_IF_ERROR(
             book.InsertTransfer(transfer.transfer_id, source->unit, destination->unit));
         if (draft.source_document.has_value()) {
           QM_RETURN_IF_ERROR(book.TakePaper(*draft.source_document, transfer.transfer_id));
         }
         return MakeChange(std::move(transfer));
       }});
}

absl::StatusOr<Versioned<Transfer>> TransferDesk::GetTransfer(const base::Call& call,
                                                              const GetTransferCommand& command) {
  QM_RETURN_IF_ERROR(CheckAsOf(command.as_of, clock_.Now()));
  QM_ASSIGN_OR_RETURN(const std::optional<Moment> moment, FindMoment(call.deadline, command.as_of));
  QM_ASSIGN_OR_RETURN(std::vector<Versioned<Transfer>> found,
                      FindTransfers(call.deadline, {TransferName(command.transfer_id)}, moment));
  if (found.empty()) return TransferNotFound(command.transfer_id);
  QM_RETURN_IF_ERROR(KnowEnds(call.deadline, found[0].body));
  if (!CoversAnEnd(call.caller, found[0].body)) return TransferNotFound(command.transfer_id);
  return std::move(found[0]);
}

absl::StatusOr<std::vector<Versioned<Transfer>>> TransferDesk::FindTransfers(
    absl::Time deadline, const std::vector<std::string>& names,
    const std::optional<Moment>& moment) {
  return moment.has_value() ? store_.FindTransfersAsOf(deadline, names, *moment)
                            : store_.FindTransfers(deadline, names);
}

absl::StatusOr<std::optional<Moment>> TransferDesk::FindMoment(absl::Time deadline,
                                                               const AsOf& as_of) {
  if (!as_of.is_set()) return std::nullopt;
  return history_.FindMoment(deadline, as_of);
}

absl::StatusOr<TransferPage> TransferDesk::ListTransfers(const base::Call& call,
                                                         const ListTransfersCommand& command) {
  QM_RETURN_IF_ERROR(CheckAsOf(command.as_of, clock_.Now()));
  QM_ASSIGN_OR_RETURN(const std::shared_ptr<const UnitTree> tree,
                      units_.TreeWith(call.deadline, {command.unit}));
  QM_ASSIGN_OR_RETURN(const UnitId unit,
                      GetCovered(call.caller, kRead, clock_.Now(), *tree, command.unit));
  TransferPage page;
  QM_ASSIGN_OR_RETURN(page.moment, FindMoment(call.deadline, command.as_of));
  if (page.moment.has_value()) QM_RETURN_IF_ERROR(GoBackTo(command.sequence, *page.moment));
  TransferQuery query{
      .units = tree->Subtree(unit), .before = command.before, .limit = command.page_size + 1};
  if (command.is_waiting_for_caller) query.waiting_for = WaitingFor(call.caller, *tree);
  QM_ASSIGN_OR_RETURN(std::vector<base::Uuid> ids, store_.ListTransfers(call.deadline, query));
  if (ids.size() > static_cast<size_t>(command.page_size)) {
    ids.pop_back();
    page.next_before = ids.back();
  }
  std::vector<std::string> names;
  for (const base::Uuid& id : ids) names.push_back(TransferName(id));
  QM_ASSIGN_OR_RETURN(page.transfers, FindTransfers(call.deadline, names, page.moment));
  // Newest first: their ids ascend with time, and so do their names.
  std::ranges::reverse(page.transfers);
  EndPageByLines(page);
  return page;
}

absl::StatusOr<Versioned<Transfer>> TransferDesk::DispatchTransfer(
    const base::Call& call, const DispatchTransferCommand& command) {
  const Step step{.transfer_id = command.transfer_id,
                  .etag = command.etag,
                  .verb = TransferVerb::kDispatch,
                  .request = document::MakeRequest(call, command.request_id,
                                                   canonical::Hash("dispatch-transfer.1", command)),
                  .reason = Reason::kDispatch,
                  .occurred_time = command.occurred_time};
  return TakeStep(call, step, [&](Transfer& transfer) {
    transfer.state = TransferState::kOnTheWay;
    transfer.waybill = command.waybill;
    transfer.dispatcher = call.caller.name;
    return DispatchLines(transfer);
  });
}

absl::StatusOr<Versioned<Transfer>> TransferDesk::ConfirmTransferReceipt(
    const base::Call& call, const ConfirmTransferReceiptCommand& command) {
  const Step step{
      .transfer_id = command.transfer_id,
      .etag = command.etag,
      .verb = TransferVerb::kConfirmReceipt,
      .request = document::MakeRequest(call, command.request_id,
                                       canonical::Hash("confirm-transfer-receipt.1", command)),
      .occurred_time = command.occurred_time};
  return TakeStep(call, step, [&](Transfer& transfer) -> absl::StatusOr<std::vector<MovementLine>> {
    QM_RETURN_IF_ERROR(Receive(command.lines, transfer));
    transfer.state =
        HasVariance(transfer) ? TransferState::kPartiallyReceived : TransferState::kClosed;
    transfer.receiver = call.caller.name;
    return ArrivalLines(transfer);
  });
}

absl::StatusOr<Versioned<Transfer>> TransferDesk::ResolveTransferVariance(
    const base::Call& call, const ResolveTransferVarianceCommand& command) {
  const Step step{
      .transfer_id = command.transfer_id,
      .etag = command.etag,
      .verb = TransferVerb::kResolveVariance,
      .request = document::MakeRequest(call, command.request_id,
                                       canonical::Hash("resolve-transfer-variance.1", command)),
      .note = command.note,
      .occurred_time = command.occurred_time};
  return TakeStep(call, step, [&](Transfer& transfer) -> absl::StatusOr<std::vector<MovementLine>> {
    transfer.state = TransferState::kClosed;
    return VarianceLines(command.lines, transfer);
  });
}

absl::StatusOr<Versioned<Transfer>> TransferDesk::CancelTransfer(
    const base::Call& call, const CancelTransferCommand& command) {
  const Step step{.transfer_id = command.transfer_id,
                  .etag = command.etag,
                  .verb = TransferVerb::kCancel,
                  .request = document::MakeRequest(call, command.request_id,
                                                   canonical::Hash("cancel-transfer.1", command))};
  return TakeStep(call, step, [](Transfer& transfer) {
    transfer.state = TransferState::kCancelled;
    return std::vector<MovementLine>();
  });
}

absl::StatusOr<Versioned<Transfer>> TransferDesk::TakeStep(const base::Call& call, const Step& step,
                                                           Change change) {
  QM_RETURN_IF_ERROR(CheckOccurredTime(step.occurred_time, clock_.Now()));
  const Prepared prepared = Prepare(call, step, change);
  const std::string name = TransferName(step.transfer_id);
  return document::Write<Transfer, TransferBook>(
      store_, call.deadline, step.request, name, clock_.Now(),
      {.lock = [&](TransferBook& book) { return document::Lock<Transfer>(book, name); },
       .authorize =
           [&](const Current<Transfer>& current) { return Authorize(call, step, current); },
       .decide = [&](TransferBook& book, const Current<Transfer>& current,
                     absl::Time record_time) -> absl::StatusOr<document::Change<Transfer>> {
         Transfer transfer = current->body;
         QM_RETURN_IF_ERROR(document::CheckEtag(name, current->version, step.etag));
         QM_RETURN_IF_ERROR(kTransferTable.CheckAllowed(name, transfer.state, step.verb));
         QM_RETURN_IF_ERROR(kTransferTable.CheckFourEyes(name, transfer.state, step.verb,
                                                         call.caller.name, ActorsOf(transfer)));
         QM_RETURN_IF_ERROR(change(transfer).status());
         QM_RETURN_IF_ERROR(prepared.lines.status());
         // Somebody took a step since the lines were looked up, and the caller has seen it already.
         if (current->version != prepared.version) return status::EtagMismatch(name);
         if (!prepared.lines->named.empty()) {
           QM_ASSIGN_OR_RETURN(
               const Movement movement,
               ledger_.PostForDocument(call, book.stock(),
                                       {.document = step.transfer_id,
                                        .request_id = step.request.request_id,
                                        .reason = step.reason,
                                        .lines = *prepared.lines,
                                        .note = step.note,
                                        .occurred_time = step.occurred_time.value_or(record_time),
                                        .not_before = record_time}));
           transfer.movements.push_back(movement.movement_id);
           record_time = movement.record_time + absl::Microseconds(1);
         }
         if (transfer.state == TransferState::kCancelled) {
           QM_RETURN_IF_ERROR(book.FreePaper(step.transfer_id));
         }
         transfer.occurred_time = step.occurred_time;
         transfer.update_time = record_time;
         document::Change<Transfer> changed = MakeChange(std::move(transfer));
         changed.record_time = record_time;
         return changed;
       }});
}

absl::Status TransferDesk::Authorize(const base::Call& call, const Step& step,
                                     const Current<Transfer>& current) const {
  if (!current.has_value() || !CoversAnEnd(call.caller, current->body)) {
    return TransferNotFound(step.transfer_id);
  }
  const std::shared_ptr<const UnitTree> tree = units_.tree();
  const auto* row = kTransferTable.FindVerb(step.verb);
  for (const auto& [place, unit] : PlacesOf(current->body)) {
    if (!row->places.contains(place)) continue;
    QM_RETURN_IF_ERROR(CheckCovers(call.caller, row->permission, clock_.Now(), *tree, unit));
  }
  return absl::OkStatus();
}

TransferDesk::Prepared TransferDesk::Prepare(const base::Call& call, const Step& step,
                                             Change change) {
  absl::StatusOr<std::vector<Versioned<Transfer>>> found =
      store_.FindTransfers(call.deadline, {TransferName(step.transfer_id)});
  if (!found.ok()) return {.lines = std::move(found).status()};
  if (found->empty()) return {};
  Versioned<Transfer>& transfer = found->front();
  if (absl::Status known = KnowEnds(call.deadline, transfer.body); !known.ok()) {
    return {.lines = std::move(known)};
  }
  // What is wrong with the step is said inside the transaction, in the documented order. Should the
  // caller have come to be allowed it by then, no version keeps it from being taken without lines.
  if (!Authorize(call, step, transfer).ok()) return {};
  Prepared prepared{.version = transfer.version};
  if (kTransferTable.Find(transfer.body.state, step.verb) == nullptr) return prepared;
  const absl::StatusOr<std::vector<MovementLine>> wanted = change(transfer.body);
  if (!wanted.ok() || wanted->empty()) return prepared;
  prepared.lines = ledger_.Resolve(call.deadline, step.reason, *wanted, nullptr);
  if (!prepared.lines.ok()) return prepared;
  const absl::Status made = stock_.MakeBalances(call.deadline, prepared.lines->Balances());
  if (!made.ok()) prepared.lines = made;
  return prepared;
}

absl::Status TransferDesk::CheckPaperIsFree(const base::Call& call, TransferBook& book,
                                            const std::optional<SourceDocument>& paper) const {
  if (!paper.has_value()) return absl::OkStatus();
  QM_ASSIGN_OR_RETURN(const std::optional<base::Uuid> holder, book.FindByPaper(*paper));
  if (!holder.has_value()) return absl::OkStatus();
  QM_ASSIGN_OR_RETURN(const Current<Transfer> transfer,
                      document::Find<Transfer>(book, TransferName(*holder)));
  const bool may_read = transfer.has_value() && CoversAnEnd(call.caller, transfer->body);
  return TransferPaperTaken(*paper, may_read ? holder : std::nullopt);
}

absl::Status TransferDesk::KnowEnds(absl::Time deadline, const Transfer& transfer) {
  std::vector<std::string> units;
  for (const auto& [place, unit] : PlacesOf(transfer)) units.push_back(unit);
  return units_.TreeWith(deadline, units).status();
}

bool TransferDesk::CoversAnEnd(const base::Caller& caller, const Transfer& transfer) const {
  const std::shared_ptr<const UnitTree> tree = units_.tree();
  return std::ranges::any_of(PlacesOf(transfer), [&](const auto& place) {
    return Covers(caller, kRead, clock_.Now(), *tree, place.second);
  });
}

document::TaskFilter TransferDesk::WaitingFor(const base::Caller& caller,
                                              const UnitTree& tree) const {
  document::TaskFilter filter{.caller = caller.name};
  for (const auto& row : kTransferTable.rows()) {
    document::TaskGrant grant{.permission = std::string(row.permission)};
    for (const absl::string_view top : caller.UnitsWith(row.permission, clock_.Now())) {
      grant.is_everywhere = grant.is_everywhere || top == tree.root_name();
      const std::optional<UnitId> unit = tree.Find(top);
      if (!unit.has_value()) continue;
      for (const UnitId below : tree.Subtree(*unit)) {
        grant.units.push_back(std::string(tree.NameOf(below)));
      }
    }
    if (grant.is_everywhere) grant.units.clear();
    filter.grants.push_back(std::move(grant));
  }
  return filter;
}

}  // namespace quartermaster::inventory
