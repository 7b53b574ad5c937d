#include "inventory-svc/storage/mysql_transfer_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "inventory-svc/storage/movement_rows.h"
#include "inventory-svc/storage/mysql_stock_book.h"
#include "inventory-svc/storage/newest_of_units.h"
#include "inventory-svc/storage/number_list.h"
#include "inventory-svc/storage/posting_requests.h"
#include "inventory-svc/storage/read_documents.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/document/task_filter.h"
#include "platform/document/version_store.h"
#include "platform/mysql/error.h"
#include "platform/mysql/transaction.h"

namespace quartermaster::inventory {
namespace {

class MysqlTransferBook final : public document::MysqlBook, public TransferBook {
 public:
  MysqlTransferBook(mysql::Connection& connection, BalanceIds& balance_ids, base::UuidSource& uuids)
      : document::MysqlBook(connection, uuids, kPostingRequests), stock_(connection, balance_ids) {}

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

  absl::StatusOr<std::optional<base::Uuid>> FindByPaper(const SourceDocument& paper) override {
    QM_ASSIGN_OR_RETURN(
        const mysql::Rows rows,
        connection().Query(
            "SELECT transfer_id FROM transfer_papers WHERE issuer = ? AND number = ? "
            "AND line = ?",
            {paper.issuer, paper.number, int64_t{paper.line}}));
    if (rows.empty()) return std::nullopt;
    return base::Uuid::FromBytes(rows[0].String(0));
  }

  absl::Status TakePaper(const SourceDocument& paper, const base::Uuid& transfer_id) override {
    const absl::Status taken =
        connection()
            .Execute(
                "INSERT INTO transfer_papers (issuer, number, line, transfer_id) VALUES (?,?,?,?)",
                {paper.issuer, paper.number, int64_t{paper.line}, transfer_id.ToBytes()})
            .status();
    if (mysql::DuplicateKeyName(taken).has_value()) {
      return mysql::RunAgain("another transfer took the paper meanwhile");
    }
    return taken;
  }

  absl::Status FreePaper(const base::Uuid& transfer_id) override {
    return connection()
        .Execute("DELETE FROM transfer_papers WHERE transfer_id = ?", {transfer_id.ToBytes()})
        .status();
  }

 private:
  MysqlStockBook stock_;
};

// Those with an open step for the caller. Begins at the tasks, which only open steps have, and ends
// at the primary key of the scopes.
mysql::Statement NewestWaiting(const TransferQuery& query) {
  mysql::Statement statement = document::RenderTaskFilter(*query.waiting_for);
  statement.sql = absl::StrCat(
      "SELECT DISTINCT s.transfer_id FROM document_tasks t JOIN transfer_scopes s ON "
      "s.transfer_id = UNHEX(REPLACE(SUBSTRING_INDEX(t.resource, '/', -1), '-', '')) "
      "WHERE t.resource LIKE 'transfers/%' AND s.unit_id IN (",
      NumberList(query.units), ") AND ", statement.sql,
      query.before.is_nil() ? "" : absl::StrCat(" AND s.transfer_id < ", UuidLiteral(query.before)),
      " ORDER BY s.transfer_id DESC LIMIT ", query.limit);
  return statement;
}

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

absl::StatusOr<std::vector<document::Versioned<Transfer>>> MysqlTransferStore::FindTransfersAsOf(
    absl::Time deadline, const std::vector<std::string>& names, const Moment& moment) {
  return ReadDocumentsAsOf<Transfer>(
      reads_, deadline, names,
      {.sequence = moment.sequence, .occurred_time = moment.occurred_time});
}

absl::StatusOr<std::vector<base::Uuid>> MysqlTransferStore::ListTransfers(
    absl::Time deadline, const TransferQuery& query) {
  std::vector<base::Uuid> ids;
  if (query.units.empty()) return ids;
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, reads_.Acquire(deadline));
  if (!query.waiting_for.has_value()) {
    return FindNewestOfUnits(*connection, {.table = "transfer_scopes",
                                           .id_column = "transfer_id",
                                           .units = query.units,
                                           .before = query.before,
                                           .limit = query.limit});
  }
  QM_ASSIGN_OR_RETURN(const std::vector<mysql::Rows> results,
                      connection->ExecuteBatch({NewestWaiting(query)}));
  for (const mysql::Row row : results[0]) {
    const std::optional<base::Uuid> id = base::Uuid::FromBytes(row.String(0));
    QM_CHECK(id.has_value());
    ids.push_back(*id);
  }
  return ids;
}

}  // namespace quartermaster::inventory
