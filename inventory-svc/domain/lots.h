#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "inventory-svc/domain/item_directory.h"
#include "inventory-svc/domain/ledger_types.h"
#include "inventory-svc/domain/unit_directory.h"
#include "platform/base/call.h"
#include "platform/base/clock.h"
#include "platform/document/document.h"

namespace quartermaster::inventory {

// What a caller asks to create.
struct CreateLotCommand {
  Lot lot;
  base::Uuid request_id;
};

// The form of the command's content.
template <typename V>
void VisitFields(V& visit, CreateLotCommand& command) {
  visit(command.lot);
}

// Lots inside one transaction. See `document::Book`.
class LotBook : public virtual document::Book {
 public:
  // Makes the lot's row. LOT_EXISTS if the name is taken.
  virtual absl::Status InsertLot(const Lot& lot, ItemId item, UnitId owner) = 0;
};

// Port: where lots are kept. Thread-safe.
class LotStore {
 public:
  virtual ~LotStore() = default;
  // Runs `body` in one transaction; see `StockStore::Atomically`.
  virtual absl::Status Atomically(absl::Time deadline,
                                  absl::FunctionRef<absl::Status(LotBook&)> body) = 0;
};

// Creates lots. They never change afterwards. Thread-safe; what it is given must outlive it.
class LotRegister {
 public:
  LotRegister(LotStore& store, UnitDirectory& units, ItemDirectory& items, const base::Clock& clock)
      : store_(store), units_(units), items_(items), clock_(clock) {}

  // Errors as documented at `Ledger.CreateLot`, in that order.
  absl::StatusOr<Lot> CreateLot(const base::Call& call, const CreateLotCommand& command);

 private:
  LotStore& store_;
  UnitDirectory& units_;
  ItemDirectory& items_;
  const base::Clock& clock_;
};

}  // namespace quartermaster::inventory
