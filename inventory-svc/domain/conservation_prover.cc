#include "inventory-svc/domain/conservation_prover.h"

#include <memory>
#include <utility>

#include "inventory-svc/domain/scope.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {

absl::StatusOr<NamedProofPage> ConservationProver::Prove(const base::Call& call,
                                                         const ProveFromLinesCommand& command) {
  QM_RETURN_IF_ERROR(CheckAsOf(command.as_of, clock_.Now()));
  if (units_.tree()->empty()) QM_RETURN_IF_ERROR(units_.LookAgain(call.deadline));
  QM_RETURN_IF_ERROR(CheckCoversRoot(call.caller, "ledger.prove", clock_.Now(), *units_.tree()));
  NamedProofPage named;
  QM_ASSIGN_OR_RETURN(named.moment, history_.FindMoment(call.deadline, command.as_of));
  std::optional<ItemId> item;
  if (!command.item.empty()) {
    QM_ASSIGN_OR_RETURN(const std::shared_ptr<const KnownItem> found,
                        items_.GetItem(call.deadline, command.item));
    item = found->id;
  }
  ProofPosition from;
  if (command.from.has_value()) {
    from = *command.from;
    named.moment.sequence = from.sequence;
  } else {
    from.sequence = named.moment.sequence;
    QM_ASSIGN_OR_RETURN(from.balance_count, books_.CountBalances(call.deadline, item));
  }
  QM_ASSIGN_OR_RETURN(ProofPage page,
                      ProveOn(books_, call.deadline, item, named.moment, from, command.line_count));
  named.position = std::move(page.position);
  named.is_done = page.is_done;

  std::vector<ItemId> ids;
  for (const ItemProof& proof : page.items) ids.push_back(proof.item);
  const auto items = items_.GetItemsById(call.deadline, ids);
  // None is ever deleted: only a token that somebody made up names an item that is not there.
  if (command.from.has_value() && absl::IsInternal(items.status())) {
    return status::InvalidFields({{"page_token", "was not made by a page of this proof"}});
  }
  QM_RETURN_IF_ERROR(items.status());
  for (size_t i = 0; i < ids.size(); ++i) {
    named.items.push_back({.item = (*items)[i]->item.name, .sums = page.items[i].sums});
  }
  std::vector<BalanceId> balances;
  for (const BalanceDifference& difference : page.differences) {
    balances.push_back(difference.balance);
  }
  QM_ASSIGN_OR_RETURN(std::vector<BalanceRow> rows, books_.NameBalances(call.deadline, balances));
  for (size_t i = 0; i < balances.size(); ++i) {
    named.differences.push_back({.difference = page.differences[i],
                                 .account = std::move(rows[i].account),
                                 .lot = std::move(rows[i].lot)});
  }
  return named;
}

}  // namespace quartermaster::inventory
