#include "inventory-svc/storage/mysql_transfer_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "inventory-svc/storage/movement_rows.h"
#include "inventory-svc/storage/mysql_stock_book.h"
#include "inventory-svc/storage/read_documents.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/document/version_store.h"
#include "platform/mysql/transaction.h"

namespace quartermaster::inventory {
namespace {

class MysqlTransferBook final : public document::MysqlBook, public TransferBook {
 public:
  MysqlTransferBook(mysql::Connection& connection, BalanceIds& balance_ids, base::UuidSource& uuids)
      : document::MysqlBook(connection, uuids), stock_(connection, balance_ids) {}

  StockBook& stock() override { return stock_; }

  absl::Status InsertTransfer(const base::Uuid& transfer_id, UnitId source,
                              UnitId destination) override {
    // Both ends may be of one unit.
    return connection()
        .Execute(
            "INSERT IGNORE INTO transfer_scopes (unit_id, transfer_id) VALUES (?, ?), (?, ?)",
            {ToNumber(source), transfer_id.ToBytes(), ToNumber(destination), transfer_id.ToBytes()})
        .status();
  }

 private:
  MysqlStockBook stock_;
};

}  // namespace

absl::Status MysqlTransferStore::Atomically(absl::Time deadline,
                                            absl::FunctionRef<absl::Status(TransferBook&)> body) {
  return mysql::InTransaction(writes_, deadline, [&](mysql::Connection& connection) {
    MysqlTransferBook book(connection, balance_ids_, uuids_);
    return body(book);
  });
}

absl::StatusOr<std::vector<document::Versioned<Transfer>>> MysqlTransferStore::FindTransfers(
    absl::Time deadline, const std::vector<std::string>& names) {
  return ReadDocuments<Transfer>(reads_, deadline, names);
}

absl::StatusOr<std::vector<base::Uuid>> MysqlTransferStore::ListTransfers(
    absl::Time deadline, const std::vector<UnitId>& units, const base::Uuid& before, int limit) {
  std::vector<base::Uuid> ids;
  if (units.empty()) return ids;
  // The newest of each unit by its own index: the work is bounded by units times page.
  std::vector<std::string> parts;
  for (const UnitId unit : units) {
    parts.push_back(absl::StrCat(
        "(SELECT transfer_id FROM transfer_scopes WHERE unit_id = ", ToNumber(unit),
        before.is_nil() ? "" : absl::StrCat(" AND transfer_id < ", UuidLiteral(before)),
        " ORDER BY transfer_id DESC LIMIT ", limit, ")"));
  }
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reads_.Acquire(deadline));
  connection->set_read_deadline(deadline);
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                      connection->Query(absl::StrCat(absl::StrJoin(parts, " UNION "),
                                                     " ORDER BY transfer_id DESC LIMIT ", limit)));
  for (const mysql::Row row : rows) {
    const std::optional<base::Uuid> id = base::Uuid::FromBytes(row.String(0));
    QM_CHECK(id.has_value());
    ids.push_back(*id);
  }
  return ids;
}

}  // namespace quartermaster::inventory
