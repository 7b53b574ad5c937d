#include "inventory-svc/storage/mysql_stock_book.h"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "inventory-svc/domain/names.h"
#include "inventory-svc/storage/movement_hash.h"
#include "inventory-svc/storage/movement_rows.h"
#include "inventory-svc/storage/sums.h"
#include "platform/base/check.h"
#include "platform/base/sha256.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/error.h"
#include "platform/records/record_rows.h"

namespace quartermaster::inventory {
namespace {

using mysql::Null;
using mysql::Statement;
using mysql::Value;

// MariaDB turns a list of 1000 and more into a table that it joins, and then locks in whatever
// order the join gives.
constexpr size_t kIdsPerStatementMax = 900;

// MySQL's error number for a number that is too large.
constexpr int kOutOfRange = 1690;

std::string Bytes(const base::Sha256Digest& digest) {
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

Value UuidOrNull(const std::optional<base::Uuid>& uuid) {
  return uuid.has_value() ? Value(uuid->ToBytes()) : Value(Null{});
}

// The beginning of a statement of many rows; `Row` adds one.
class ManyRows {
 public:
  explicit ManyRows(absl::string_view insert) { statement_.sql = std::string(insert); }

  // `row` is the text of one row in brackets, and `values` what fills its question marks.
  void Row(absl::string_view row, std::initializer_list<Value> values = {}) {
    absl::StrAppend(&statement_.sql, is_empty_ ? "" : ",", row);
    statement_.params.insert(statement_.params.end(), values.begin(), values.end());
    is_empty_ = false;
  }

  void AppendTo(std::vector<Statement>& statements, absl::string_view end = "") && {
    if (is_empty_) return;
    absl::StrAppend(&statement_.sql, end);
    statements.push_back(std::move(statement_));
  }

 private:
  Statement statement_;
  bool is_empty_ = true;
};

void InsertMovements(const TurnRecord& turn, const std::vector<MovementSalts>& salts,
                     std::vector<Statement>& statements) {
  ManyRows rows(
      "INSERT INTO movements (movement_id, caller, request_id, content_hash, reason, "
      "occurred_time, record_time, reverses_movement_id, document_id, source_issuer, "
      "source_number, source_line, salt) VALUES ");
  for (size_t i = 0; i < turn.movements.size(); ++i) {
    const MovementRecord& record = turn.movements[i];
    const Movement& movement = record.movement;
    const auto& paper = movement.source_document;
    rows.Row(
        "(?,?,?,?,?,?,?,?,?,?,?,?,?)",
        {movement.movement_id.ToBytes(), movement.caller,
         // What a document posted is found by the document's own request.
         movement.document.has_value() ? Value(Null{}) : Value(record.request_id.ToBytes()),
         Bytes(record.content_hash), static_cast<int64_t>(movement.reason), movement.occurred_time,
         movement.record_time, UuidOrNull(movement.reverses), UuidOrNull(movement.document),
         paper ? Value(paper->issuer) : Value(Null{}), paper ? Value(paper->number) : Value(Null{}),
         paper ? Value(int64_t{paper->line}) : Value(Null{}), salts[i].movement});
  }
  std::move(rows).AppendTo(statements);
}

// In the order of the papers, as everybody takes them.
void InsertPapers(const TurnRecord& turn, std::vector<Statement>& statements) {
  std::vector<const Movement*> movements;
  for (const MovementRecord& record : turn.movements) {
    if (record.movement.source_document.has_value()) movements.push_back(&record.movement);
    if (record.movement.reverses.has_value()) {
      statements.push_back({.sql = "DELETE FROM source_documents WHERE movement_id = ?",
                            .params = {record.movement.reverses->ToBytes()}});
    }
  }
  std::ranges::sort(movements, {}, [](const Movement* movement) {
    const SourceDocument& paper = *movement->source_document;
    return std::tie(paper.issuer, paper.number, paper.line);
  });
  ManyRows rows("INSERT INTO source_documents (issuer, number, line, movement_id) VALUES ");
  for (const Movement* movement : movements) {
    const SourceDocument& paper = *movement->source_document;
    rows.Row("(?,?,?,?)",
             {paper.issuer, paper.number, int64_t{paper.line}, movement->movement_id.ToBytes()});
  }
  std::move(rows).AppendTo(statements);
}

// A record for every movement, and a row for each note.
void InsertNotesAndRecords(const TurnRecord& turn, const std::vector<MovementSalts>& salts,
                           std::vector<Statement>& statements) {
  ManyRows notes("INSERT INTO notes (movement_id, salt, text) VALUES ");
  std::vector<records::Record> made;
  made.reserve(turn.movements.size());
  for (size_t i = 0; i < turn.movements.size(); ++i) {
    const MovementRecord& record = turn.movements[i];
    const Movement& movement = record.movement;
    if (!movement.note.empty()) {
      notes.Row("(?,?,?)", {movement.movement_id.ToBytes(), salts[i].note, movement.note});
    }
    made.push_back({.record_id = movement.movement_id,
                    .record_time = movement.record_time,
                    .occurred_time = movement.occurred_time,
                    .caller = movement.caller,
                    .method = record.method,
                    .resource = MovementName(movement.movement_id),
                    .request_id = record.request_id,
                    .after_hash = HashMovement(movement, salts[i]),
                    .trace_id = record.trace_id});
  }
  std::move(notes).AppendTo(statements);
  statements.push_back(records::InsertRecords(made));
}

Statement SelectBalance(const BalanceKey& key) {
  return {.sql =
              "SELECT balance_id FROM balances WHERE location_id = ? AND lot_id = ? AND "
              "state = ? AND holder = ?",
          .params = {ToNumber(key.location), ToNumber(key.lot), static_cast<int64_t>(key.state),
                     key.holder.ToBytes()}};
}

// Renders `(caller = ? AND request_id IN (…)) OR (…)`, one pair of brackets a caller, so that each
// is a range of the unique key.
Statement WhereRequests(absl::string_view select, const std::vector<RequestKey>& requests) {
  Statement statement{.sql = std::string(select)};
  const std::string* caller = nullptr;
  for (const RequestKey& request : requests) {
    if (caller == nullptr || *caller != request.caller) {
      absl::StrAppend(&statement.sql, caller == nullptr ? "" : ")) OR ",
                      "(caller = ? AND request_id IN (");
      statement.params.push_back(request.caller);
      caller = &request.caller;
    } else {
      statement.sql += ",";
    }
    statement.sql += UuidLiteral(request.request_id);
  }
  statement.sql += "))";
  return statement;
}

// Fails with kOutOfRange where a document took the request of one of these movements after it was
// looked up: a document's request is in no index that the movement's insert would meet. Waits for a
// document that is being written; it looks for our movement in the same way.
void RefuseRequestsOfDocuments(const TurnRecord& turn, std::vector<Statement>& statements) {
  std::vector<RequestKey> requests;
  for (const MovementRecord& record : turn.movements) {
    if (record.movement.document.has_value()) continue;
    requests.push_back({record.movement.caller, record.request_id});
  }
  if (requests.empty()) return;
  // A sum that is too large ends the round trip before its COMMIT.
  Statement statement = WhereRequests(
      "SELECT 9223372036854775807 + COUNT(*) FROM requests FORCE INDEX (PRIMARY) WHERE ", requests);
  statement.sql += " LOCK IN SHARE MODE";
  statements.push_back(std::move(statement));
}

Statement FindPapersStatement(const std::vector<SourceDocument>& papers) {
  Statement statement{.sql =
                          "SELECT issuer, number, line, movement_id FROM source_documents WHERE "};
  for (const SourceDocument& paper : papers) {
    absl::StrAppend(&statement.sql, statement.params.empty() ? "" : " OR ",
                    "(issuer = ? AND number = ? AND line = ?)");
    statement.params.insert(statement.params.end(),
                            {paper.issuer, paper.number, int64_t{paper.line}});
  }
  return statement;
}

base::Uuid UuidAt(mysql::Row row, size_t column) {
  const std::optional<base::Uuid> uuid = base::Uuid::FromBytes(row.String(column));
  QM_CHECK(uuid.has_value());
  return *uuid;
}

}  // namespace

absl::StatusOr<absl::flat_hash_map<BalanceKey, BalanceId>> FindBalances(
    mysql::Connection& connection, BalanceIds& balance_ids, const std::vector<BalanceKey>& keys) {
  absl::flat_hash_map<BalanceKey, BalanceId> ids;
  ids.reserve(keys.size());
  std::vector<BalanceKey> unknown;
  std::vector<Statement> statements;
  for (const BalanceKey& key : keys) {
    if (const auto known = balance_ids.Find(key); known.has_value()) {
      ids[key] = *known;
    } else {
      unknown.push_back(key);
      statements.push_back(SelectBalance(key));
    }
  }
  if (unknown.empty()) return ids;
  QM_ASSIGN_OR_RETURN(const std::vector<mysql::Rows> results, connection.ExecuteBatch(statements));
  for (size_t i = 0; i < unknown.size(); ++i) {
    if (results[i].empty()) continue;
    const BalanceId id{static_cast<uint32_t>(results[i][0].Int64(0))};
    balance_ids.Remember(unknown[i], id);
    ids[unknown[i]] = id;
  }
  return ids;
}

// By the primary key alone, whatever the optimizer thinks of a long list: the order of the locks
// and their number depend on it.
std::vector<std::string> LockBalancesStatements(const std::vector<int64_t>& ids) {
  std::vector<std::string> statements;
  const std::span<const int64_t> all(ids);
  for (size_t at = 0; at < all.size(); at += kIdsPerStatementMax) {
    const auto part = all.subspan(at, std::min(kIdsPerStatementMax, all.size() - at));
    statements.push_back(
        absl::StrCat("SELECT balance_id, quantity, last_record_time, unit_id, item_id FROM "
                     "balances FORCE INDEX (PRIMARY) WHERE balance_id IN (",
                     absl::StrJoin(part, ","), ") ORDER BY balance_id FOR UPDATE"));
  }
  return statements;
}

Statement FindPostedStatement(const std::vector<RequestKey>& requests) {
  return WhereRequests(
      "SELECT movement_id FROM movements FORCE INDEX (uk_movements_caller_request_id) WHERE ",
      requests);
}

Statement FindDocumentRequestsStatement(const std::vector<RequestKey>& requests) {
  return WhereRequests("SELECT caller, request_id FROM requests FORCE INDEX (PRIMARY) WHERE ",
                       requests);
}

absl::StatusOr<std::optional<Movement>> MysqlStockBook::LockMovement(
    const base::Uuid& movement_id) {
  QM_RETURN_IF_ERROR(
      connection_
          .Query("SELECT movement_id FROM movements WHERE movement_id = ? FOR UPDATE",
                 {movement_id.ToBytes()})
          .status());
  QM_ASSIGN_OR_RETURN(std::vector<EarlierMovement> found,
                      ReadMovements(connection_, "m.movement_id = ?", {movement_id.ToBytes()}));
  if (found.empty()) return std::nullopt;
  return std::move(found[0].movement);
}

// One round trip, with the one that begins the transaction in it. Statements run in this order, and
// each sees what was committed before it began: the look-ups come after the locks.
absl::StatusOr<Found> MysqlStockBook::LockAndFind(const Wanted& wanted) {
  QM_ASSIGN_OR_RETURN(const auto known, FindBalances(connection_, balance_ids_, wanted.balances));
  absl::flat_hash_map<int64_t, BalanceKey> keys;
  std::vector<int64_t> ids;
  for (const BalanceKey& key : wanted.balances) {
    const auto id = known.find(key);
    if (id == known.end()) return mysql::RunAgain("a balance row is missing");
    keys[ToNumber(id->second)] = key;
    ids.push_back(ToNumber(id->second));
  }
  std::ranges::sort(ids);

  std::vector<Statement> statements;
  for (std::string& lock : LockBalancesStatements(ids)) statements.push_back({std::move(lock)});
  const size_t lock_count = statements.size();
  if (!wanted.requests.empty()) {
    statements.push_back(FindPostedStatement(wanted.requests));
    if (finds_documents_) {
      statements.push_back(FindDocumentRequestsStatement(wanted.requests));
    }
  }
  if (!wanted.papers.empty()) statements.push_back(FindPapersStatement(wanted.papers));
  Found found;
  if (statements.empty()) return found;
  QM_ASSIGN_OR_RETURN(const std::vector<mysql::Rows> results, connection_.ExecuteBatch(statements));
  found.balances.reserve(ids.size());
  for (size_t i = 0; i < lock_count; ++i) {
    QM_RETURN_IF_ERROR(ReadBalances(results[i], keys, found));
  }
  if (found.balances.size() != ids.size()) return mysql::RunAgain("a balance row is missing");
  if (!wanted.requests.empty()) {
    QM_RETURN_IF_ERROR(ReadRequests(
        results[lock_count], finds_documents_ ? results[lock_count + 1] : mysql::Rows(), found));
  }
  if (!wanted.papers.empty()) {
    for (const mysql::Row row : results.back()) {
      found.papers.emplace_back(SourceDocument{.issuer = row.String(0),
                                               .number = row.String(1),
                                               .line = static_cast<int32_t>(row.Int64(2))},
                                UuidAt(row, 3));
    }
  }
  return found;
}

absl::Status MysqlStockBook::ReadBalances(const mysql::Rows& rows,
                                          const absl::flat_hash_map<int64_t, BalanceKey>& keys,
                                          Found& found) {
  for (const mysql::Row row : rows) {
    const BalanceId id{static_cast<uint32_t>(row.Int64(0))};
    const BalanceKey& key = keys.at(row.Int64(0));
    found.balances.push_back(
        {.id = id, .key = key, .quantity = row.Int64(1), .last_record_time = row.Time(2)});
    locked_[key] = {.id = id, .unit = row.Int64(3), .item = row.Int64(4)};
  }
  return absl::OkStatus();
}

// Repetitions are rare, so what they did is read only once one was seen.
absl::Status MysqlStockBook::ReadRequests(const mysql::Rows& posted, const mysql::Rows& documents,
                                          Found& found) {
  for (const mysql::Row row : documents) {
    found.requests[{.caller = row.String(0), .request_id = UuidAt(row, 1)}] = {};
  }
  if (posted.empty()) return absl::OkStatus();
  std::vector<std::string> ids;
  for (const mysql::Row row : posted) ids.push_back(UuidLiteral(UuidAt(row, 0)));
  QM_ASSIGN_OR_RETURN(
      std::vector<EarlierMovement> movements,
      ReadMovements(connection_, absl::StrCat("m.movement_id IN (", absl::StrJoin(ids, ","), ")"),
                    {}));
  for (EarlierMovement& earlier : movements) {
    // The first answer did not know of a reversal.
    earlier.movement.reversed_by.reset();
    const RequestKey key{.caller = earlier.movement.caller, .request_id = earlier.request_id};
    found.requests[key] = {.movement = std::move(earlier.movement),
                           .content_hash = earlier.content_hash};
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Movement>> MysqlStockBook::FindMovements(
    const std::vector<base::Uuid>& movement_ids) {
  std::vector<Movement> found;
  if (movement_ids.empty()) return found;
  std::vector<std::string> ids;
  for (const base::Uuid& id : movement_ids) ids.push_back(UuidLiteral(id));
  QM_ASSIGN_OR_RETURN(
      std::vector<EarlierMovement> movements,
      ReadMovements(connection_, absl::StrCat("m.movement_id IN (", absl::StrJoin(ids, ","), ")"),
                    {}));
  for (EarlierMovement& movement : movements) found.push_back(std::move(movement.movement));
  return found;
}

absl::StatusOr<std::vector<int64_t>> MysqlStockBook::SumReserved(
    const std::vector<std::pair<LocationId, LotId>>& places) {
  std::vector<Statement> statements;
  for (const auto& [location, lot] : places) {
    statements.push_back(
        {.sql = "SELECT COALESCE(SUM(quantity), 0) FROM balances WHERE location_id = ? AND "
                "lot_id = ? AND state = ?",
         .params = {ToNumber(location), ToNumber(lot), static_cast<int64_t>(State::kReserved)}});
  }
  std::vector<int64_t> sums;
  if (statements.empty()) return sums;
  QM_ASSIGN_OR_RETURN(const std::vector<mysql::Rows> results, connection_.ExecuteBatch(statements));
  for (const mysql::Rows& rows : results) sums.push_back(ReadSum(rows[0], 0));
  return sums;
}

absl::StatusOr<std::vector<Statement>> MysqlStockBook::RenderTurn(const TurnRecord& turn) const {
  // Absolute values: they were computed from rows that this transaction holds locked, so no row is
  // ever made here. An UPDATE with a case for each row would go through them all for each.
  ManyRows balances(
      "INSERT INTO balances (balance_id, location_id, state, holder, lot_id, unit_id, item_id, "
      "quantity, last_record_time) VALUES ");
  for (const Balance& balance : turn.balances_after) {
    const auto row = locked_.find(balance.key);
    if (row == locked_.end() || row->second.id != balance.id) {
      return absl::InternalError("a balance is written that was not locked");
    }
    const BalanceKey& key = balance.key;
    balances.Row(absl::StrCat("(", ToNumber(balance.id), ",", ToNumber(key.location), ",",
                              static_cast<int>(key.state), ",", UuidLiteral(key.holder), ",",
                              ToNumber(key.lot), ",", row->second.unit, ",", row->second.item, ",",
                              balance.quantity, ",?)"),
                 {balance.last_record_time});
  }
  ManyRows lines(
      "INSERT INTO movement_lines (movement_id, line, lot_id, source_balance_id, "
      "destination_balance_id, quantity, written_amount, written_unit) VALUES ");
  ManyRows scopes("INSERT INTO movement_scopes (unit_id, movement_id, item_id) VALUES ");
  for (const MovementRecord& record : turn.movements) {
    const std::string movement_id = UuidLiteral(record.movement.movement_id);
    std::set<std::pair<int64_t, int64_t>> touched;
    for (size_t i = 0; i < record.lines.size(); ++i) {
      const ResolvedLine& line = record.lines[i];
      const Quantity& written = record.movement.lines[i].quantity;
      const auto source = locked_.find(line.source);
      const auto destination = locked_.find(line.destination);
      if (source == locked_.end() || destination == locked_.end()) {
        return absl::InternalError("a line names a balance that was not locked");
      }
      touched.insert({source->second.unit, source->second.item});
      touched.insert({destination->second.unit, destination->second.item});
      lines.Row(absl::StrCat("(", movement_id, ",", i + 1, ",", ToNumber(line.source.lot), ",",
                             ToNumber(source->second.id), ",", ToNumber(destination->second.id),
                             ",", line.base_quantity, ",", written.amount, ",?)"),
                {written.unit});
    }
    for (const auto& [unit, item] : touched) {
      scopes.Row(absl::StrCat("(", unit, ",", movement_id, ",", item, ")"));
    }
  }
  std::vector<Statement> statements;
  std::move(balances).AppendTo(statements,
                               " ON DUPLICATE KEY UPDATE quantity = VALUES(quantity), "
                               "last_record_time = VALUES(last_record_time)");
  std::vector<MovementSalts> salts;
  salts.reserve(turn.movements.size());
  for (const MovementRecord& record : turn.movements) salts.push_back(DrawSalts(record.movement));
  InsertMovements(turn, salts, statements);
  RefuseRequestsOfDocuments(turn, statements);
  std::move(lines).AppendTo(statements);
  std::move(scopes).AppendTo(statements);
  InsertPapers(turn, statements);
  InsertNotesAndRecords(turn, salts, statements);
  return statements;
}

namespace {

// A twin that held none of our balances, or another caller with the same paper, was first. The next
// run finds what it wrote.
absl::Status AfterARace(const absl::Status& written) {
  const bool has_met_document = mysql::GetErrno(written) == kOutOfRange;
  if (!has_met_document && !mysql::DuplicateKeyName(written).has_value()) return written;
  return mysql::RunAgain("the request or its paper was posted meanwhile");
}

}  // namespace

absl::Status MysqlStockBook::Record(const TurnRecord& turn) {
  QM_ASSIGN_OR_RETURN(const std::vector<Statement> statements, RenderTurn(turn));
  return AfterARace(connection_.ExecuteBatch(statements).status());
}

absl::Status MysqlStockBook::RecordAndCommit(const TurnRecord& turn) {
  QM_ASSIGN_OR_RETURN(const std::vector<Statement> statements, RenderTurn(turn));
  return AfterARace(connection_.ExecuteBatchAndCommit(statements).status());
}

}  // namespace quartermaster::inventory
