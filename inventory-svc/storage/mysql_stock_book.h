#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "inventory-svc/domain/stock_store.h"
#include "inventory-svc/storage/balance_ids.h"
#include "platform/mysql/connection.h"

namespace quartermaster::inventory {

// Returns the row numbers of balances, remembered or looked up in one round trip; a balance whose
// row was not made is missing.
absl::StatusOr<absl::flat_hash_map<BalanceKey, BalanceId>> FindBalances(
    mysql::Connection& connection, BalanceIds& balance_ids, const std::vector<BalanceKey>& keys);

// Returns the statements that lock balances, given in ascending order, in that order.
std::vector<std::string> LockBalancesStatements(const std::vector<int64_t>& ids);

// Returns the statements that find requests, at least one, grouped by caller: those that posted,
// and those that wrote a document.
mysql::Statement FindPostedStatement(const std::vector<RequestKey>& requests);
mysql::Statement FindDocumentRequestsStatement(const std::vector<RequestKey>& requests);

// The books on one connection, inside the transaction that is open on it. A document's storage
// makes one over its own connection, so that the document and what it posts commit together.
//
// Not thread-safe. `connection` and `balance_ids` must outlive it.
class MysqlStockBook final : public StockBook {
 public:
  // Without `finds_documents` requests that wrote a document are not looked up but met when what
  // they would post is written; who runs again after that has to look.
  MysqlStockBook(mysql::Connection& connection, BalanceIds& balance_ids,
                 bool finds_documents = true)
      : connection_(connection), balance_ids_(balance_ids), finds_documents_(finds_documents) {}

  absl::StatusOr<Found> LockAndFind(const Wanted& wanted) override;
  absl::StatusOr<std::optional<Movement>> LockMovement(const base::Uuid& movement_id) override;
  absl::StatusOr<std::vector<Movement>> FindMovements(
      const std::vector<base::Uuid>& movement_ids) override;
  absl::StatusOr<std::vector<int64_t>> SumReserved(
      const std::vector<std::pair<LocationId, LotId>>& places) override;
  absl::Status Record(const TurnRecord& turn) override;
  absl::Status RecordAndCommit(const TurnRecord& turn) override;

 private:
  // What a locked row says besides its balance, for the rows that are written beside it.
  struct LockedRow {
    BalanceId id = {};
    int64_t unit = 0;
    int64_t item = 0;
  };

  absl::Status ReadBalances(const mysql::Rows& rows,
                            const absl::flat_hash_map<int64_t, BalanceKey>& keys, Found& found);
  absl::Status ReadRequests(const mysql::Rows& posted, const mysql::Rows& documents, Found& found);
  absl::StatusOr<std::vector<mysql::Statement>> RenderTurn(const TurnRecord& turn) const;

  mysql::Connection& connection_;
  BalanceIds& balance_ids_;
  const bool finds_documents_;
  absl::flat_hash_map<BalanceKey, LockedRow> locked_;
};

}  // namespace quartermaster::inventory
