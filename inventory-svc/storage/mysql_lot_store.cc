#include "inventory-svc/storage/mysql_lot_store.h"

#include <string>

#include "inventory-svc/domain/ledger_errors.h"
#include "inventory-svc/domain/names.h"
#include "inventory-svc/storage/posting_requests.h"
#include "platform/document/version_store.h"
#include "platform/mysql/error.h"
#include "platform/mysql/transaction.h"

namespace quartermaster::inventory {
namespace {

class MysqlLotBook final : public document::MysqlBook, public LotBook {
 public:
  MysqlLotBook(mysql::Connection& connection, base::UuidSource& uuids)
      : document::MysqlBook(connection, uuids, kPostingRequests) {}

  absl::Status InsertLot(const Lot& lot, ItemId item, UnitId owner) override {
    const absl::Status inserted =
        connection()
            .Execute(
                "INSERT INTO lots (item_id, name, origin, origin_reference, owner_unit_id, "
                "expiry_date, create_time) VALUES (?,?,?,?,?,?,?)",
                {ToNumber(item), std::string(LastSegment(lot.name)),
                 static_cast<int64_t>(lot.origin), lot.origin_reference, ToNumber(owner),
                 lot.expiry_date.empty() ? mysql::Value(mysql::Null{})
                                         : mysql::Value(lot.expiry_date),
                 lot.create_time})
            .status();
    if (mysql::DuplicateKeyName(inserted) == "uk_lots_item_name") return LotExists(lot.name);
    return inserted;
  }
};

}  // namespace

absl::Status MysqlLotStore::Atomically(absl::Time deadline,
                                       absl::FunctionRef<absl::Status(LotBook&)> body) {
  return mysql::InTransaction(pool_, deadline, [&](mysql::Connection& connection) {
    MysqlLotBook book(connection, uuids_);
    return body(book);
  });
}

}  // namespace quartermaster::inventory
