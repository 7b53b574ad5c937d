#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "inventory-svc/domain/stock_store.h"
#include "inventory-svc/domain/transfer.h"
#include "platform/document/document.h"

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
  // Lists up to `limit` transfers that touch one of `units` and came before `before` (nil: all),
  // newest first.
  virtual absl::StatusOr<std::vector<base::Uuid>> ListTransfers(absl::Time deadline,
                                                                const std::vector<UnitId>& units,
                                                                const base::Uuid& before,
                                                                int limit) = 0;
};

}  // namespace quartermaster::inventory
