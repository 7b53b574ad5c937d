#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "inventory-svc/domain/ledger_types.h"
#include "platform/base/uuid.h"
#include "platform/document/state_table.h"
#include "platform/values/canonical.h"

namespace quartermaster::inventory {

// Where a transfer stands. The numbers are the API's and are kept in snapshots.
enum class TransferState : uint8_t {
  kDraft = 1,
  kOnTheWay = 2,
  kPartiallyReceived = 3,
  kClosed = 4,
  kCancelled = 5,
};
enum class TransferVerb : uint8_t { kDispatch, kConfirmReceipt, kResolveVariance, kCancel };
// Which of its units a doer must cover.
enum class TransferPlace : uint8_t { kSource, kDestination };
// Who took which step.
enum class TransferActor : uint8_t { kCreator, kDispatcher, kReceiver };

absl::string_view ToName(TransferState state);
absl::string_view ToName(TransferVerb verb);

// What may be done to a transfer, by whom, and not by whom (four eyes: who sends
// goods does not sign for them).
inline constexpr document::StateTable kTransferTable({
    document::Transition<TransferState, TransferVerb, TransferPlace, TransferActor>{
        .from = TransferState::kDraft,
        .verb = TransferVerb::kDispatch,
        .to = {TransferState::kOnTheWay},
        .permission = "transfers.dispatch",
        .places = {TransferPlace::kSource}},
    {.from = TransferState::kDraft,
     .verb = TransferVerb::kCancel,
     .to = {TransferState::kCancelled},
     .permission = "transfers.create",
     .places = {TransferPlace::kSource}},
    {.from = TransferState::kOnTheWay,
     .verb = TransferVerb::kConfirmReceipt,
     .to = {TransferState::kPartiallyReceived, TransferState::kClosed},
     .permission = "transfers.receive",
     .places = {TransferPlace::kDestination},
     .barred = {TransferActor::kDispatcher}},
    {.from = TransferState::kPartiallyReceived,
     .verb = TransferVerb::kResolveVariance,
     .to = {TransferState::kClosed},
     .permission = "transfers.resolve",
     .places = {TransferPlace::kSource, TransferPlace::kDestination},
     .barred = {TransferActor::kDispatcher, TransferActor::kReceiver}},
});
static_assert(kTransferTable.IsSound(TransferState::kDraft,
                                     {TransferState::kDraft, TransferState::kOnTheWay,
                                      TransferState::kPartiallyReceived, TransferState::kClosed,
                                      TransferState::kCancelled}));

// One line, and what became of it, in base units.
struct TransferLine {
  // `items/{item}/lots/{lot}`.
  std::string lot;
  // As written.
  Quantity quantity;
  // The same in base units, fixed when the transfer was written.
  int64_t base_quantity = 0;
  int64_t accepted = 0;
  int64_t damaged = 0;
  int64_t short_quantity = 0;
};

// Goods on their way from one location to another.
struct Transfer {
  static constexpr char kForm[] = "transfer.1";

  base::Uuid transfer_id;
  // `units/{unit}/locations/{location}`.
  std::string source;
  std::string destination;
  std::vector<TransferLine> lines;
  TransferState state = TransferState::kDraft;
  std::string waybill;
  // Callers; empty while nobody did it.
  std::string creator;
  std::string dispatcher;
  std::string receiver;
  // What it posted, oldest first.
  std::vector<base::Uuid> movements;
  absl::Time create_time;
  absl::Time update_time;
  // The paper that it was written from.
  std::optional<SourceDocument> source_document;
  // When its last step was taken, as told; nothing if nobody said.
  std::optional<absl::Time> occurred_time;
};

// What one line looked like on arrival, in base units. Lines are counted from 1.
struct ReceiptLine {
  int line = 1;
  int64_t accepted = 0;
  int64_t damaged = 0;
  int64_t short_quantity = 0;
};

// What became of what was short of one line, in base units.
struct VarianceLine {
  int line = 1;
  int64_t found = 0;
  int64_t returned = 0;
  int64_t lost = 0;
};

template <typename V>
void VisitFields(V& visit, TransferLine& line) {
  visit(line.lot, line.quantity, line.base_quantity, line.accepted, line.damaged,
        line.short_quantity);
}
template <typename V>
void VisitFields(V& visit, Transfer& transfer) {
  visit(transfer.transfer_id, transfer.source, transfer.destination, transfer.lines, transfer.state,
        transfer.waybill, transfer.creator, transfer.dispatcher, transfer.receiver,
        transfer.movements, transfer.create_time, transfer.update_time);
  canonical::VisitGrown(visit, transfer.source_document, transfer.occurred_time);
}
template <typename V>
void VisitFields(V& visit, ReceiptLine& line) {
  visit(line.line, line.accepted, line.damaged, line.short_quantity);
}
template <typename V>
void VisitFields(V& visit, VarianceLine& line) {
  visit(line.line, line.found, line.returned, line.lost);
}

}  // namespace quartermaster::inventory
