#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "inventory-svc/domain/as_of.h"
#include "inventory-svc/domain/stock_history.h"
#include "inventory-svc/domain/stock_ledger.h"
#include "inventory-svc/domain/transfer.h"
#include "inventory-svc/domain/transfer_store.h"
#include "inventory-svc/domain/unit_directory.h"
#include "platform/base/call.h"
#include "platform/base/clock.h"
#include "platform/base/uuid.h"
#include "platform/document/write.h"

namespace quartermaster::inventory {

struct CreateTransferCommand {
  std::string source;
  std::string destination;
  std::vector<TransferLine> lines;
  std::optional<SourceDocument> source_document;
  std::optional<absl::Time> occurred_time;
  base::Uuid request_id;
};
struct DispatchTransferCommand {
  base::Uuid transfer_id;
  std::string etag;
  std::string waybill;
  std::optional<absl::Time> occurred_time;
  base::Uuid request_id;
};
struct ConfirmTransferReceiptCommand {
  base::Uuid transfer_id;
  std::string etag;
  std::vector<ReceiptLine> lines;
  std::optional<absl::Time> occurred_time;
  base::Uuid request_id;
};
struct ResolveTransferVarianceCommand {
  base::Uuid transfer_id;
  std::string etag;
  std::vector<VarianceLine> lines;
  std::string note;
  std::optional<absl::Time> occurred_time;
  base::Uuid request_id;
};
struct CancelTransferCommand {
  base::Uuid transfer_id;
  std::string etag;
  base::Uuid request_id;
};
struct GetTransferCommand {
  base::Uuid transfer_id;
  AsOf as_of;
};
struct ListTransfersCommand {
  std::string unit;
  bool is_waiting_for_caller = false;
  base::Uuid before;
  int page_size = 100;
  AsOf as_of;
  // The prefix of the sealed records that the first page rested on; with `as_of`, on later pages.
  std::optional<int64_t> sequence;
};

// A page of transfers, newest first.
struct TransferPage {
  std::vector<document::Versioned<Transfer>> transfers;
  // What the next page begins before; nil if this is the last.
  base::Uuid next_before;
  // What they rest on, if they are of a past moment.
  std::optional<Moment> moment;
};

// The use cases of transfers; errors and their order as documented at `Transfers`. Thread-safe;
// what it is given must outlive it.
class TransferDesk {
 public:
  using VersionedTransfer = document::Versioned<Transfer>;

  TransferDesk(TransferStore& store, StockHistory& history, StockStore& stock, StockLedger& ledger,
               UnitDirectory& units, const base::Clock& clock, base::UuidSource& uuids)
      : store_(store),
        history_(history),
        stock_(stock),
        ledger_(ledger),
        units_(units),
        clock_(clock),
        uuids_(uuids) {}

  absl::StatusOr<VersionedTransfer> CreateTransfer(const base::Call& call,
                                                   const CreateTransferCommand& command);
  absl::StatusOr<VersionedTransfer> GetTransfer(const base::Call& call,
                                                const GetTransferCommand& command);
  absl::StatusOr<TransferPage> ListTransfers(const base::Call& call,
                                             const ListTransfersCommand& command);
  absl::StatusOr<VersionedTransfer> DispatchTransfer(const base::Call& call,
                                                     const DispatchTransferCommand& command);
  absl::StatusOr<VersionedTransfer> ConfirmTransferReceipt(
      const base::Call& call, const ConfirmTransferReceiptCommand& command);
  absl::StatusOr<VersionedTransfer> ResolveTransferVariance(
      const base::Call& call, const ResolveTransferVarianceCommand& command);
  absl::StatusOr<VersionedTransfer> CancelTransfer(const base::Call& call,
                                                   const CancelTransferCommand& command);

 private:
  // One step of an existing transfer, as the request asks for it.
  struct Step {
    base::Uuid transfer_id;
    std::string etag;
    TransferVerb verb;
    document::Request request;
    // Why the movement that it posts is posted.
    Reason reason = Reason::kArrive;
    // Written beside the movement.
    std::string note = "";
    // As told.
    std::optional<absl::Time> occurred_time = std::nullopt;
  };
  // What a step would post on one version of the transfer, or why it cannot: said when its turn
  // comes in the documented order.
  struct Prepared {
    int32_t version = 0;
    absl::StatusOr<ResolvedLines> lines = ResolvedLines();
  };
  // Changes the transfer and returns the lines to post, if any.
  using Change = absl::FunctionRef<absl::StatusOr<std::vector<MovementLine>>(Transfer&)>;

  // The life of every step: find it, make the balances, then in one transaction lock, authorize,
  // check etag, state and four eyes, change, post, record.
  absl::StatusOr<VersionedTransfer> TakeStep(const base::Call& call, const Step& step,
                                             Change change);
  absl::Status Authorize(const base::Call& call, const Step& step,
                         const document::Current<Transfer>& current) const;
  // Resolves what the step would post on the transfer as it is now, and makes the balance rows, for
  // a caller who may take it.
  Prepared Prepare(const base::Call& call, const Step& step, Change change);
  // ALREADY_EXISTS, `SOURCE_DOCUMENT_POSTED`, if a transfer that was not cancelled was written from
  // the paper; names it to those alone who may read it.
  absl::Status CheckPaperIsFree(const base::Call& call, TransferBook& book,
                                const std::optional<SourceDocument>& paper) const;
  // Makes sure that the tree in memory knows both ends: another replica may have created them a
  // moment ago.
  absl::Status KnowEnds(absl::Time deadline, const Transfer& transfer);
  bool CoversAnEnd(const base::Caller& caller, const Transfer& transfer) const;
  // Where the caller may take which step.
  document::TaskFilter WaitingFor(const base::Caller& caller, const UnitTree& tree) const;

  // Finds transfers by name, as of `moment` if there is one.
  absl::StatusOr<std::vector<VersionedTransfer>> FindTransfers(
      absl::Time deadline, const std::vector<std::string>& names,
      const std::optional<Moment>& moment);
  // Returns what `as_of` comes to; nothing if it is not set.
  absl::StatusOr<std::optional<Moment>> FindMoment(absl::Time deadline, const AsOf& as_of);

  TransferStore& store_;
  StockHistory& history_;
  StockStore& stock_;
  StockLedger& ledger_;
  UnitDirectory& units_;
  const base::Clock& clock_;
  base::UuidSource& uuids_;
};

template <typename V>
void VisitFields(V& visit, CreateTransferCommand& command) {
  visit(command.source, command.destination, command.lines);
  canonical::VisitGrown(visit, command.source_document, command.occurred_time);
}
template <typename V>
void VisitFields(V& visit, DispatchTransferCommand& command) {
  visit(command.transfer_id, command.etag, command.waybill);
  canonical::VisitGrown(visit, command.occurred_time);
}
template <typename V>
void VisitFields(V& visit, ConfirmTransferReceiptCommand& command) {
  visit(command.transfer_id, command.etag, command.lines);
  canonical::VisitGrown(visit, command.occurred_time);
}
template <typename V>
void VisitFields(V& visit, ResolveTransferVarianceCommand& command) {
  visit(command.transfer_id, command.etag, command.lines, command.note);
  canonical::VisitGrown(visit, command.occurred_time);
}
template <typename V>
void VisitFields(V& visit, CancelTransferCommand& command) {
  visit(command.transfer_id, command.etag);
}

}  // namespace quartermaster::inventory
