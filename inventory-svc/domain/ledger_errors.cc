#include "inventory-svc/domain/ledger_errors.h"

#include "absl/strings/str_cat.h"
#include "inventory-svc/domain/names.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

using absl::StatusCode;
using status::MakeError;

}  // namespace

absl::Status LotNotFound(absl::string_view lot) {
  return MakeError(StatusCode::kNotFound,
                   absl::StrCat("there is no ", lot, "; create the lot before goods of it move"),
                   {.reason = "LOT_NOT_FOUND", .metadata = {{"lot", std::string(lot)}}});
}

absl::Status MovementNotFound(const base::Uuid& movement_id) {
  const std::string name = MovementName(movement_id);
  return MakeError(StatusCode::kNotFound, absl::StrCat("there is no ", name),
                   {.reason = "MOVEMENT_NOT_FOUND", .metadata = {{"movement", name}}});
}

absl::Status LotExists(absl::string_view lot) {
  return MakeError(StatusCode::kAlreadyExists,
                   absl::StrCat(lot, " exists already; choose another lot_id"),
                   {.reason = "LOT_EXISTS", .metadata = {{"lot", std::string(lot)}}});
}

absl::Status ExpiryRequired(absl::string_view item) {
  return MakeError(StatusCode::kFailedPrecondition,
                   absl::StrCat(item, " expires: give the lot's expiry_date"),
                   {.reason = "EXPIRY_REQUIRED", .metadata = {{"item", std::string(item)}}});
}

absl::Status StateChangeNotAllowed(int line, Reason reason, State source, State destination) {
  return MakeError(StatusCode::kFailedPrecondition,
                   absl::StrCat("line ", line, ": ", ToName(reason), " does not move goods from ",
                                ToName(source), " to ", ToName(destination)),
                   {.reason = "STATE_CHANGE_NOT_ALLOWED",
                    .metadata = {{"line", absl::StrCat(line)},
                                 {"reason", ToName(reason)},
                                 {"source_state", ToName(source)},
                                 {"destination_state", ToName(destination)}}});
}

absl::Status HazardStoreRequired(int line, absl::string_view item, absl::string_view location) {
  return MakeError(StatusCode::kFailedPrecondition,
                   absl::StrCat("line ", line, ": ", item, " is flammable and ", location,
                                " is not a flammables store; choose a location of that kind"),
                   {.reason = "HAZARD_STORE_REQUIRED",
                    .metadata = {{"line", absl::StrCat(line)},
                                 {"item", std::string(item)},
                                 {"location", std::string(location)}}});
}

absl::Status SourceDocumentPosted(const SourceDocument& document,
                                  const std::optional<base::Uuid>& movement_id) {
  status::ErrorDetail detail{.reason = "SOURCE_DOCUMENT_POSTED",
                             .metadata = {{"issuer", document.issuer},
                                          {"number", document.number},
                                          {"line", absl::StrCat(document.line)}}};
  std::string message = absl::StrCat("line ", document.line, " of paper ", document.number, " of ",
                                     document.issuer, " is in the books ");
  if (movement_id.has_value()) {
    const std::string movement = MovementName(*movement_id);
    absl::StrAppend(&message, "as ", movement, "; reverse that first if it was wrong");
    detail.metadata.emplace_back("movement", movement);
  } else {
    absl::StrAppend(&message, "already, where you may not look; ask who issued it");
  }
  return MakeError(StatusCode::kAlreadyExists, message, detail);
}

absl::Status InsufficientStock(const Shortage& shortage) {
  return MakeError(
      StatusCode::kFailedPrecondition,
      absl::StrCat("line ", shortage.line, ": cannot take ", shortage.wanted, " of ", shortage.lot,
                   " from ", ToName(shortage.state), " at ", shortage.location, ": ",
                   shortage.available, " there, ", shortage.reserved, " more reserved"),
      {.reason = "INSUFFICIENT_STOCK",
       .metadata = {{"line", absl::StrCat(shortage.line)},
                    {"item", std::string(ItemOfLot(shortage.lot))},
                    {"lot", shortage.lot},
                    {"location", shortage.location},
                    {"wanted", absl::StrCat(shortage.wanted)},
                    {"available", absl::StrCat(shortage.available)},
                    {"reserved", absl::StrCat(shortage.reserved)}}});
}

absl::Status BalanceOverflow(int line, absl::string_view location) {
  return MakeError(
      StatusCode::kFailedPrecondition,
      absl::StrCat("line ", line, ": an account of ", location,
                   " would hold more than can be counted"),
      {.reason = "QUANTITY_OVERFLOW",
       .metadata = {{"line", absl::StrCat(line)}, {"location", std::string(location)}}});
}

absl::Status ReversalNotReversible(const base::Uuid& movement_id) {
  const std::string name = MovementName(movement_id);
  return MakeError(StatusCode::kFailedPrecondition,
                   absl::StrCat(name, " is itself a reversal; post the goods anew instead"),
                   {.reason = "REVERSAL_NOT_REVERSIBLE", .metadata = {{"movement", name}}});
}

absl::Status OwnedByDocument(const base::Uuid& movement_id, const base::Uuid& transfer_id) {
  const std::string movement = MovementName(movement_id);
  const std::string document = TransferName(transfer_id);
  return MakeError(
      StatusCode::kFailedPrecondition,
      absl::StrCat(movement, " was posted by ", document, "; undo the document instead"),
      {.reason = "OWNED_BY_DOCUMENT",
       .metadata = {{"movement", movement}, {"document", document}}});
}

absl::Status AlreadyReversed(const base::Uuid& movement_id, const base::Uuid& reversal_id) {
  const std::string movement = MovementName(movement_id);
  const std::string reversal = MovementName(reversal_id);
  return MakeError(
      StatusCode::kFailedPrecondition, absl::StrCat(movement, " was reversed by ", reversal),
      {.reason = "ALREADY_REVERSED", .metadata = {{"movement", movement}, {"reversal", reversal}}});
}

}  // namespace quartermaster::inventory
