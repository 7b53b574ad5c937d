#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "inventory-svc/domain/as_of.h"
#include "inventory-svc/domain/stock_store.h"
#include "inventory-svc/domain/transfer.h"
#include "platform/document/document.h"
#include "platform/document/tasks.h"

namespace quartermaster::inventory {

// Transfers inside one transaction, with the books beside them, so that a step and what it posts
// commit together. See `document::Book`.
class TransferBook : public virtual document::Book {
 public:
  // The books in the same transaction.
  virtual StockBook& stock() = 0;
  // Writes which units a new transfer touches: what lists are read by.
  virtual absl::Status InsertTransfer(const base::Uuid& transfer_id, UnitId source,
                                      UnitId destination) = 0;
  // Finds the transfer that has a paper.
  virtual absl::StatusOr<std::optional<base::Uuid>> FindByPaper(const SourceDocument& paper) = 0;
  // Gives a free paper to a transfer. Fails with ABORTED if another took it meanwhile: the
  // transaction runs again.
  virtual absl::Status TakePaper(const SourceDocument& paper, const base::Uuid& transfer_id) = 0;
  // Frees the paper of a transfer, if it has one.
  virtual absl::Status FreePaper(const base::Uuid& transfer_id) = 0;
};

// Which transfers to list.
struct TransferQuery {
  // Those that touch one of these.
  std::vector<UnitId> units;
  // Those that came before this one; nil: all.
  base::Uuid before;
  int limit = 100;
  // Only those with an open step for this caller.
  std::optional<document::TaskFilter> waiting_for = std::nullopt;
};

// Port: where transfers are kept. Thread-safe.
class TransferStore {
 public:
  virtual ~TransferStore() = default;

  // Runs `body` in one transaction; see `StockStore::Atomically`.
  virtual absl::Status Atomically(absl::Time deadline,
                                  absl::FunctionRef<absl::Status(TransferBook&)> body) = 0;
  // Finds transfers by name; one that does not exist is missing. In the order of their names.
  virtual absl::StatusOr<std::vector<document::Versioned<Transfer>>> FindTransfers(
      absl::Time deadline, const std::vector<std::string>& names) = 0;
  // The same, each in its newest version by `moment`; one that had none then is missing.
  virtual absl::StatusOr<std::vector<document::Versioned<Transfer>>> FindTransfersAsOf(
      absl::Time deadline, const std::vector<std::string>& names, const Moment& moment) = 0;
  // Lists transfers, newest first.
  virtual absl::StatusOr<std::vector<base::Uuid>> ListTransfers(absl::Time deadline,
                                                                const TransferQuery& query) = 0;
};

}  // namespace quartermaster::inventory
