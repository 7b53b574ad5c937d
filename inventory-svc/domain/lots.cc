#include "inventory-svc/domain/lots.h"

#include "inventory-svc/domain/ledger_errors.h"
#include "inventory-svc/domain/names.h"
#include "inventory-svc/domain/scope.h"
#include "inventory-svc/domain/unit_errors.h"
#include "platform/base/status_macros.h"
#include "platform/document/write.h"
#include "platform/values/canonical.h"

namespace quartermaster::inventory {

absl::StatusOr<Lot> LotRegister::CreateLot(const base::Call& call,
                                           const CreateLotCommand& command) {
  const absl::Time now = clock_.Now();
  QM_ASSIGN_OR_RETURN(const std::shared_ptr<const UnitTree> tree,
                      units_.TreeWith(call.deadline, {command.lot.owner}));
  QM_RETURN_IF_ERROR(CheckCovers(call.caller, "ledger.post", now, *tree, command.lot.owner));
  QM_RETURN_IF_ERROR(CheckMayName(call.caller, "ledger.post", now, *tree, command.lot.owner,
                                  LastSegment(command.lot.name)));
  const document::Request request =
      document::MakeRequest(call, command.request_id, canonical::Hash("create-lot.1", command));
  QM_ASSIGN_OR_RETURN(
      const document::Versioned<Lot> written,
      (document::Write<Lot, LotBook>(
          store_, call.deadline, request, command.lot.name, now,
          {.lock = [](LotBook&) -> absl::StatusOr<document::Current<Lot>> {
             return document::Current<Lot>();
           },
           .authorize = document::AuthorizedByName<Lot>,
           .decide = [&](LotBook& book, const document::Current<Lot>&,
                         absl::Time record_time) -> absl::StatusOr<document::Change<Lot>> {
             QM_ASSIGN_OR_RETURN(const std::shared_ptr<const KnownItem> item,
                                 items_.GetItem(call.deadline, ItemOfLot(command.lot.name)));
             const std::optional<UnitId> owner = tree->Find(command.lot.owner);
             if (!owner.has_value()) return UnitNotFound(command.lot.owner);
             if (item->item.is_expiring && command.lot.expiry_date.empty()) {
               return ExpiryRequired(item->item.name);
             }
             Lot lot = command.lot;
             lot.create_time = record_time;
             QM_RETURN_IF_ERROR(book.InsertLot(lot, item->id, *owner));
             return document::Change<Lot>{.after = std::move(lot)};
           }})));
  return written.body;
}

}  // namespace quartermaster::inventory
