#include "inventory-svc/storage/mysql_stock_book.h"

#include <sys/random.h>

#include <algorithm>
#include <span>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "inventory-svc/domain/names.h"
#include "inventory-svc/storage/movement_rows.h"
#include "inventory-svc/storage/sums.h"
#include "platform/base/check.h"
#include "platform/base/sha256.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/error.h"
#include "platform/records/record_rows.h"
#include "platform/values/canonical.h"

namespace quartermaster::inventory {
namespace {

using mysql::Null;
using mysql::Statement;
using mysql::Value;

// MariaDB turns a list of 1000 and more into a table that it joins, and then locks in whatever
// order the join gives.
constexpr size_t kIdsPerStatementMax = 900;

std::string Bytes(const base::Sha256Digest& digest) {
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

Value UuidOrNull(const std::optional<base::Uuid>& uuid) {
  return uuid.has_value() ? Value(uuid->ToBytes()) : Value(Null{});
}

Statement InsertMovement(const MovementRecord& record) {
  const Movement& movement = record.movement;
  const auto& paper = movement.source_document;
  return {
      .sql =
          "INSERT INTO movements (movement_id, caller, request_id, content_hash, reason, "
          "occurred_time, record_time, reverses_movement_id, document_id, source_issuer, "
          "source_number, source_line) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
      .params = {movement.movement_id.ToBytes(), movement.caller,
                 // What a document posted is found by the document's own request.
                 movement.document.has_value() ? Value(Null{}) : Value(record.request_id.ToBytes()),
                 Bytes(record.content_hash), static_cast<int64_t>(movement.reason),
                 movement.occurred_time, movement.record_time, UuidOrNull(movement.reverses),
                 UuidOrNull(movement.document), paper ? Value(paper->issuer) : Value(Null{}),
                 paper ? Value(paper->number) : Value(Null{}),
                 paper ? Value(int64_t{paper->line}) : Value(Null{})}};
}

Statement InsertLines(const MovementRecord& record,
                      const absl::flat_hash_map<BalanceKey, BalanceId>& ids) {
  Statement statement{.sql =
                          "INSERT INTO movement_lines (movement_id, line, lot_id, "
                          "source_balance_id, destination_balance_id, quantity, written_amount, "
                          "written_unit) VALUES "};
  const std::string movement_id = UuidLiteral(record.movement.movement_id);
  for (size_t i = 0; i < record.lines.size(); ++i) {
    const ResolvedLine& line = record.lines[i];
    const Quantity& written = record.movement.lines[i].quantity;
    absl::StrAppend(&statement.sql, i == 0 ? "" : ",", "(", movement_id, ",", i + 1, ",",
                    ToNumber(line.source.lot), ",", ToNumber(ids.at(line.source)), ",",
                    ToNumber(ids.at(line.destination)), ",", line.base_quantity, ",",
                    written.amount, ",?)");
    statement.params.push_back(written.unit);
  }
  return statement;
}

Statement InsertScopes(const MovementRecord& record, const std::string& balance_ids) {
  return {.sql = absl::StrCat("INSERT INTO movement_scopes (unit_id, movement_id, item_id) "
                              "SELECT DISTINCT unit_id, ",
                              UuidLiteral(record.movement.movement_id),
                              ", item_id FROM balances WHERE balance_id IN (", balance_ids, ")")};
}

// Absolute values: they were computed from rows that this transaction holds locked.
Statement UpdateBalances(const MovementRecord& record, const std::string& balance_ids) {
  Statement statement{.sql = "UPDATE balances SET quantity = CASE balance_id"};
  for (const Balance& balance : record.balances_after) {
    absl::StrAppend(&statement.sql, " WHEN ", ToNumber(balance.id), " THEN ", balance.quantity);
  }
  absl::StrAppend(&statement.sql, " END, last_record_time = ? WHERE balance_id IN (", balance_ids,
                  ")");
  statement.params.push_back(record.movement.record_time);
  return statement;
}

// The note's own row. What the record covers is the hash of salt and text together.
struct SaltedNote {
  std::string salt;
  base::Sha256Digest hash = {};
};

SaltedNote Salt(const std::string& note) {
  SaltedNote salted{.salt = std::string(16, '\0')};
  QM_CHECK(getrandom(salted.salt.data(), salted.salt.size(), 0) == 16);
  salted.hash = base::Sha256(salted.salt + note);
  return salted;
}

// What a movement's hash covers: everything but the note's text, which is there by its salted hash.
struct SealedMovement {
  Movement movement;
  std::string note_hash;
};

template <typename V>
void VisitFields(V& visit, SealedMovement& sealed) {
  Movement& movement = sealed.movement;
  visit(movement.movement_id, movement.reason, movement.lines, movement.occurred_time,
        movement.record_time, movement.caller, movement.source_document, movement.reverses,
        movement.document, sealed.note_hash);
}

Statement InsertRecord(const base::Call& call, const MovementRecord& record,
                       const std::optional<SaltedNote>& note) {
  const Movement& movement = record.movement;
  SealedMovement sealed{.movement = movement};
  if (note.has_value()) sealed.note_hash = Bytes(note->hash);
  return records::InsertRecords({{.record_id = movement.movement_id,
                                  .record_time = movement.record_time,
                                  .occurred_time = movement.occurred_time,
                                  .caller = movement.caller,
                                  .method = call.method,
                                  .resource = MovementName(movement.movement_id),
                                  .request_id = record.request_id,
                                  .after_hash = canonical::Hash("movement.1", sealed),
                                  .trace_id = call.trace.trace_id}});
}

}  // namespace

absl::StatusOr<std::optional<BalanceId>> FindBalance(mysql::Connection& connection,
                                                     BalanceIds& balance_ids,
                                                     const BalanceKey& key) {
  if (const auto known = balance_ids.Find(key); known.has_value()) return known;
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows rows,
      connection.Query("SELECT balance_id FROM balances WHERE location_id = ? AND lot_id = ? AND "
                       "state = ? AND holder = ?",
                       {ToNumber(key.location), ToNumber(key.lot), static_cast<int64_t>(key.state),
                        key.holder.ToBytes()}));
  if (rows.empty()) return std::nullopt;
  const BalanceId id{static_cast<uint32_t>(rows[0].Int64(0))};
  balance_ids.Remember(key, id);
  return id;
}

// By the primary key alone, whatever the optimizer thinks of a long list: the order of the locks
// and their number depend on it.
std::vector<std::string> LockBalancesStatements(const std::vector<int64_t>& ids) {
  std::vector<std::string> statements;
  const std::span<const int64_t> all(ids);
  for (size_t at = 0; at < all.size(); at += kIdsPerStatementMax) {
    const auto part = all.subspan(at, std::min(kIdsPerStatementMax, all.size() - at));
    statements.push_back(
        absl::StrCat("SELECT balance_id, quantity, last_record_time FROM balances FORCE INDEX "
                     "(PRIMARY) WHERE balance_id IN (",
                     absl::StrJoin(part, ","), ") ORDER BY balance_id FOR UPDATE"));
  }
  return statements;
}

absl::StatusOr<std::optional<EarlierMovement>> MysqlStockBook::FindByRequestId(
    const std::string& caller, const base::Uuid& request_id) {
  QM_ASSIGN_OR_RETURN(std::vector<EarlierMovement> found,
                      ReadMovements(connection_, "m.caller = ? AND m.request_id = ?",
                                    {caller, request_id.ToBytes()}));
  if (found.empty()) return std::nullopt;
  // The first answer did not know of a reversal.
  found[0].movement.reversed_by.reset();
  return std::move(found[0]);
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

absl::StatusOr<std::vector<Balance>> MysqlStockBook::LockBalances(
    const std::vector<BalanceKey>& keys) {
  absl::flat_hash_map<int64_t, BalanceKey> keys_by_id;
  for (const BalanceKey& key : keys) {
    QM_ASSIGN_OR_RETURN(const std::optional<BalanceId> id,
                        FindBalance(connection_, balance_ids_, key));
    if (!id.has_value()) return mysql::RunAgain("a balance row is missing");
    keys_by_id[ToNumber(*id)] = key;
  }
  std::vector<int64_t> ids;
  for (const auto& [id, key] : keys_by_id) ids.push_back(id);
  std::ranges::sort(ids);
  std::vector<Balance> balances;
  balances.reserve(ids.size());
  for (const std::string& statement : LockBalancesStatements(ids)) {
    QM_ASSIGN_OR_RETURN(const mysql::Rows rows, connection_.Query(statement));
    for (const mysql::Row row : rows) {
      balances.push_back({.id = BalanceId{static_cast<uint32_t>(row.Int64(0))},
                          .key = keys_by_id.at(row.Int64(0)),
                          .quantity = row.Int64(1),
                          .last_record_time = row.Time(2)});
    }
  }
  if (balances.size() != ids.size()) return mysql::RunAgain("a balance row is missing");
  return balances;
}

absl::StatusOr<std::optional<base::Uuid>> MysqlStockBook::FindBySourceDocument(
    const SourceDocument& document) {
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows rows,
      connection_.Query("SELECT movement_id FROM source_documents WHERE issuer = ? AND number = ? "
                        "AND line = ?",
                        {document.issuer, document.number, int64_t{document.line}}));
  if (rows.empty()) return std::nullopt;
  return base::Uuid::FromBytes(rows[0].String(0));
}

absl::StatusOr<int64_t> MysqlStockBook::SumReserved(LocationId location, LotId lot) {
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows rows,
      connection_.Query(
          "SELECT COALESCE(SUM(quantity), 0) FROM balances WHERE location_id = ? AND "
          "lot_id = ? AND state = ?",
          {ToNumber(location), ToNumber(lot), static_cast<int64_t>(State::kReserved)}));
  return ReadSum(rows[0], 0);
}

absl::Status MysqlStockBook::Record(const base::Call& call, const MovementRecord& record) {
  const Movement& movement = record.movement;
  absl::flat_hash_map<BalanceKey, BalanceId> ids;
  for (const Balance& balance : record.balances_after) ids[balance.key] = balance.id;
  const std::string balance_ids = absl::StrJoin(
      record.balances_after, ",",
      [](std::string* out, const Balance& balance) { absl::StrAppend(out, ToNumber(balance.id)); });
  std::optional<SaltedNote> note;
  if (!movement.note.empty()) note = Salt(movement.note);

  std::vector<Statement> statements = {UpdateBalances(record, balance_ids), InsertMovement(record),
                                       InsertLines(record, ids), InsertScopes(record, balance_ids)};
  if (movement.source_document.has_value()) {
    const SourceDocument& paper = *movement.source_document;
    statements.push_back({.sql = "INSERT INTO source_documents (issuer, number, line, movement_id) "
                                 "VALUES (?,?,?,?)",
                          .params = {paper.issuer, paper.number, int64_t{paper.line},
                                     movement.movement_id.ToBytes()}});
  }
  if (movement.reverses.has_value()) {
    statements.push_back({.sql = "DELETE FROM source_documents WHERE movement_id = ?",
                          .params = {movement.reverses->ToBytes()}});
  }
  if (note.has_value()) {
    statements.push_back({.sql = "INSERT INTO notes (movement_id, salt, text) VALUES (?,?,?)",
                          .params = {movement.movement_id.ToBytes(), note->salt, movement.note}});
  }
  statements.push_back(InsertRecord(call, record, note));
  const absl::Status written = connection_.ExecuteBatch(statements).status();
  // A twin that held none of our balances, or another caller with the same paper, was first. The
  // next run finds what it wrote.
  if (mysql::DuplicateKeyName(written).has_value()) {
    return mysql::RunAgain("the request or its paper was posted meanwhile");
  }
  return written;
}

}  // namespace quartermaster::inventory
