// Results as the connector gives them, and several statements in one round trip.

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/connection.h"
#include "platform/mysql/error.h"
#include "platform/mysql/link.h"
#include "platform/mysql/sql_text.h"
#include "platform/status/error.h"

namespace quartermaster::mysql {
namespace {

enum class ColumnKind { kSigned, kUnsigned, kBytes };

ColumnKind KindOf(sql::ResultSetMetaData& columns, unsigned index) {
  switch (columns.getColumnType(index)) {
    case sql::DataType::TINYINT:
    case sql::DataType::SMALLINT:
    case sql::DataType::MEDIUMINT:
    case sql::DataType::INTEGER:
    case sql::DataType::BIGINT:
    case sql::DataType::YEAR:
      return columns.isSigned(index) ? ColumnKind::kSigned : ColumnKind::kUnsigned;
    case sql::DataType::REAL:
    case sql::DataType::DOUBLE:
      // The connector would cut it to six decimals, and nothing of ours is inexact.
      throw sql::SQLException("a column of floating point");
    default:
      return ColumnKind::kBytes;
  }
}

bool IsRead(const Statement& statement) {
  return absl::StartsWithIgnoreCase(statement.sql, "SELECT ");
}

Cell ReadCell(sql::ResultSet& result, unsigned index, ColumnKind kind) {
  if (result.isNull(index)) return std::monostate();
  switch (kind) {
    case ColumnKind::kSigned:
      return result.getInt64(index);
    case ColumnKind::kUnsigned:
      return result.getUInt64(index);
    case ColumnKind::kBytes:
      break;
  }
  return result.getString(index).asStdString();
}

}  // namespace

Rows ReadRows(sql::ResultSet& result) {
  sql::ResultSetMetaData& columns = *result.getMetaData();
  std::vector<ColumnKind> kinds;
  for (unsigned i = 1; i <= columns.getColumnCount(); ++i) kinds.push_back(KindOf(columns, i));
  std::vector<std::vector<Cell>> rows;
  rows.reserve(result.rowsCount());
  while (result.next()) {
    std::vector<Cell>& row = rows.emplace_back();
    row.reserve(kinds.size());
    for (unsigned i = 0; i < kinds.size(); ++i) row.push_back(ReadCell(result, i + 1, kinds[i]));
  }
  return Rows(std::move(rows));
}

absl::StatusOr<std::vector<Rows>> Connection::ExecuteBatch(
    const std::vector<Statement>& statements) {
  Busy busy(*this);
  return RunBatch(statements, /*has_commit=*/false);
}

absl::StatusOr<std::vector<Rows>> Connection::ExecuteBatchAndCommit(
    const std::vector<Statement>& statements) {
  Busy busy(*this);
  if (transaction_state_ != TransactionState::kOpen &&
      transaction_state_ != TransactionState::kPending) {
    QM_RETURN_IF_ERROR(Ready());
    return status::Internal("a commit outside of a transaction");
  }
  return RunBatch(statements, /*has_commit=*/true);
}

absl::StatusOr<std::vector<Rows>> Connection::RunBatch(const std::vector<Statement>& statements,
                                                       bool has_commit) {
  QM_RETURN_IF_ERROR(Ready());
  std::vector<std::string> texts;
  size_t begin_count = 0;
  if (transaction_state_ == TransactionState::kPending) {
    for (const Statement& statement : begin_) texts.push_back(statement.sql);
    begin_count = begin_.size();
  }
  for (const Statement& statement : statements) {
    if (read_deadline_ == absl::InfiniteFuture() || !IsRead(statement)) {
      QM_ASSIGN_OR_RETURN(texts.emplace_back(), RenderStatement(statement));
    } else {
      QM_ASSIGN_OR_RETURN(const Statement limited, LimitTime(statement));
      QM_ASSIGN_OR_RETURN(texts.emplace_back(), RenderStatement(limited));
    }
  }
  if (has_commit) texts.push_back("COMMIT");
  if (texts.empty()) return std::vector<Rows>();
  if (begin_count > 0) transaction_state_ = TransactionState::kOpen;

  std::vector<Rows> results;
  ++round_trip_count_;
  const auto [code, message] = CatchSql([&] {
    std::string script;
    for (const std::string& text : texts) {
      absl::StrAppend(&script, script.empty() ? "" : ";\n", text);
    }
    sql::Statement& text = *link_->text;
    bool has_rows = text.execute(script);
    for (size_t i = 0; i < texts.size(); ++i) {
      // Each call moves on by exactly one statement, and throws the error of that statement.
      if (i > 0) has_rows = text.getMoreResults();
      Rows rows;
      if (has_rows) rows = ReadRows(*std::unique_ptr<sql::ResultSet>(text.getResultSet()));
      if (i >= begin_count) results.push_back(std::move(rows));
    }
  });
  if (code != 0) return Failed(code, message, has_commit);
  if (has_commit) {
    transaction_state_ = TransactionState::kCommitted;
    results.pop_back();
  }
  return results;
}

}  // namespace quartermaster::mysql
