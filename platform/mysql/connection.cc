#include "platform/mysql/connection.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/dialect.h"
#include "platform/mysql/error.h"
#include "platform/mysql/link.h"
#include "platform/mysql/sql_text.h"
#include "platform/status/error.h"

namespace quartermaster::mysql {
namespace {

// Puts `value` in the place of the question mark `index`, counted from 1.
absl::Status Bind(sql::PreparedStatement& statement, unsigned index, const Value& value) {
  if (std::holds_alternative<Null>(value)) {
    statement.setNull(index, sql::DataType::SQLNULL);
  } else if (const auto* number = std::get_if<int64_t>(&value)) {
    statement.setInt64(index, *number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    statement.setString(index, *text);
  } else {
    QM_ASSIGN_OR_RETURN(const std::string time, FormatDateTime(std::get<absl::Time>(value)));
    statement.setDateTime(index, time);
  }
  return absl::OkStatus();
}

}  // namespace

PreparedStatement& StatementCache::Prepare(sql::Connection& connection, const std::string& sql) {
  const auto found = by_sql_.find(sql);
  if (found != by_sql_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return *found->second;
  }
  std::unique_ptr<sql::PreparedStatement> statement(connection.prepareStatement(sql));
  const bool gives_rows = statement->getMetaData()->getColumnCount() > 0;
  if (entries_.size() >= size_max_) {
    by_sql_.erase(entries_.back().sql);
    entries_.pop_back();
  }
  entries_.push_front({sql, std::move(statement), gives_rows});
  by_sql_[sql] = entries_.begin();
  return entries_.front();
}

void StatementCache::Drop(const std::string& sql) {
  const auto found = by_sql_.find(sql);
  if (found == by_sql_.end()) return;
  entries_.erase(found->second);
  by_sql_.erase(found);
}

Connection::Busy::Busy(Connection& connection) : connection_(connection) {
  // Two threads on one connection would read each other's answers.
  QM_CHECK(!connection_.busy_.exchange(true));
}

Connection::Connection(std::unique_ptr<Link> link) : link_(std::move(link)) {}

Connection::~Connection() {
  CatchSql([&] { link_.reset(); });
}

const ConnectionOptions& Connection::options() const { return link_->options; }

absl::StatusOr<Rows> Connection::Query(absl::string_view sql, std::vector<Value> params) {
  Busy busy(*this);
  Statement statement{std::string(sql), std::move(params)};
  const bool has_params = !statement.params.empty();
  QM_RETURN_IF_ERROR(Ready());
  QM_RETURN_IF_ERROR(BeginNow());
  QM_ASSIGN_OR_RETURN(statement, LimitTime(std::move(statement)));
  int64_t affected = 0;
  if (has_params) return RunPrepared(statement.sql, statement.params, affected);
  QM_ASSIGN_OR_RETURN(const std::string text, RenderStatement(statement));
  return RunText(text, affected);
}

absl::StatusOr<Statement> Connection::LimitTime(Statement statement) const {
  if (read_deadline_ == absl::InfiniteFuture()) return statement;
  const absl::Duration limit = read_deadline_ - absl::Now();
  if (limit <= absl::ZeroDuration()) {
    return status::DeadlineExceeded("before the database was asked");
  }
  return is_mariadb_ ? mariadb::LimitTime(std::move(statement), limit)
                     : mysql8::LimitTime(std::move(statement), limit);
}

absl::StatusOr<int64_t> Connection::Execute(absl::string_view sql, std::vector<Value> params) {
  Busy busy(*this);
  QM_RETURN_IF_ERROR(Ready());
  QM_RETURN_IF_ERROR(BeginNow());
  int64_t affected = 0;
  const std::string text(sql);
  const absl::StatusOr<Rows> rows =
      params.empty() ? RunText(text, affected) : RunPrepared(text, params, affected);
  QM_RETURN_IF_ERROR(rows.status());
  return affected;
}

bool Connection::Ping() {
  Busy busy(*this);
  if (!usable_) return false;
  bool is_alive = false;
  ++round_trip_count_;
  // `isClosed` only tells what this side believes.
  const auto [code, message] = CatchSql([&] { is_alive = link_->connection->isValid(); });
  usable_ = code == 0 && is_alive;
  return usable_;
}

void Connection::BeginLazily(std::vector<Statement> begin) {
  QM_CHECK(transaction_state_ == TransactionState::kNone);
  begin_ = std::move(begin);
  transaction_state_ = TransactionState::kPending;
  broken_by_ = absl::OkStatus();
}

absl::Status Connection::Commit() {
  Busy busy(*this);
  if (transaction_state_ == TransactionState::kPending ||
      transaction_state_ == TransactionState::kCommitted) {
    transaction_state_ = TransactionState::kNone;
    return absl::OkStatus();
  }
  QM_RETURN_IF_ERROR(Ready());
  QM_CHECK(transaction_state_ == TransactionState::kOpen);
  ++round_trip_count_;
  // By text: the connector's `commit()` returns normally on a dead link and when the server refuses
  // to commit.
  const auto [code, message] = CatchSql([&] { link_->text->execute("COMMIT"); });
  if (code != 0) return Failed(code, message, /*has_commit=*/true);
  transaction_state_ = TransactionState::kNone;
  return absl::OkStatus();
}

absl::Status Connection::Rollback() {
  Busy busy(*this);
  const bool has_begun = transaction_state_ == TransactionState::kOpen ||
                         transaction_state_ == TransactionState::kBroken;
  transaction_state_ = TransactionState::kNone;
  if (!has_begun || !usable_) return absl::OkStatus();
  ++round_trip_count_;
  const auto [code, message] = CatchSql([&] { link_->text->execute("ROLLBACK"); });
  if (code == 0) return absl::OkStatus();
  usable_ = false;
  return MakeMysqlError(code, message);
}

absl::Status Connection::Ready() {
  if (transaction_state_ == TransactionState::kCommitted) {
    return status::Internal("a statement after the transaction was committed");
  }
  if (!broken_by_.ok() && transaction_state_ != TransactionState::kNone) return broken_by_;
  if (!usable_) return status::StorageUnavailable("the connection broke earlier");
  return absl::OkStatus();
}

absl::Status Connection::BeginNow() {
  if (transaction_state_ != TransactionState::kPending) return absl::OkStatus();
  transaction_state_ = TransactionState::kOpen;
  for (const Statement& statement : begin_) {
    int64_t affected = 0;
    QM_RETURN_IF_ERROR(RunText(statement.sql, affected).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<Rows> Connection::RunText(const std::string& sql, int64_t& affected) {
  Rows rows;
  ++round_trip_count_;
  const auto [code, message] = CatchSql([&] {
    sql::Statement& text = *link_->text;
    if (text.execute(sql)) {
      // Unless its result is read the connection answers 2014 for ever after.
      const std::unique_ptr<sql::ResultSet> result(text.getResultSet());
      rows = ReadRows(*result);
    } else {
      affected = static_cast<int64_t>(text.getUpdateCount());
    }
    // Nor may a second statement in the text, or a CALL, leave anything behind. `getMoreResults`
    // says false at an update count as at the end, hence one call for every possible statement.
    constexpr int kResultsOfCallMax = 16;
    for (auto left = kResultsOfCallMax + std::count(sql.begin(), sql.end(), ';'); left > 0;
         --left) {
      if (text.getMoreResults()) ReadRows(*std::unique_ptr<sql::ResultSet>(text.getResultSet()));
    }
  });
  if (code != 0) return Failed(code, message);
  return rows;
}

absl::StatusOr<Rows> Connection::RunPrepared(const std::string& sql,
                                             const std::vector<Value>& params, int64_t& affected) {
  Rows rows;
  absl::Status bound;
  // One more where it is new and has to be prepared.
  ++round_trip_count_;
  const auto [code, message] = CatchSql([&] {
    PreparedStatement& prepared = link_->prepared.Prepare(*link_->connection, sql);
    sql::PreparedStatement& statement = *prepared.statement;
    for (size_t i = 0; i < params.size() && bound.ok(); ++i) {
      bound = Bind(statement, static_cast<unsigned>(i + 1), params[i]);
    }
    if (!bound.ok()) return;
    if (prepared.gives_rows) {
      rows = ReadRows(*std::unique_ptr<sql::ResultSet>(statement.executeQuery()));
    } else {
      affected = statement.executeUpdate();
    }
  });
  if (code != 0) {
    // Whatever was wrong with it, the next use prepares it anew.
    CatchSql([&] { link_->prepared.Drop(sql); });
    return Failed(code, message);
  }
  QM_RETURN_IF_ERROR(bound);
  return rows;
}

void Connection::CountAlert(int errno_code) {
  const std::optional<Alert> alert = FindAlert(errno_code);
  if (alerts_ == nullptr || !alert.has_value()) return;
  (*alert == Alert::kStorageFull ? alerts_->storage_full_count : alerts_->check_violated_count) +=
      1;
}

absl::Status Connection::Failed(int errno_code, absl::string_view message, bool has_commit) {
  CountAlert(errno_code);
  const bool is_ours = errno_code < 0;
  absl::Status failed = is_ours ? status::Internal(absl::StrCat("Connector/C++: ", message))
                                : MakeMysqlError(errno_code, message);
  // After an error that the server did not answer nobody knows what it will answer next.
  if (is_ours || BreaksConnection(errno_code)) usable_ = false;
  if (transaction_state_ == TransactionState::kOpen) {
    if (has_commit && (is_ours || LeavesCommitOpen(errno_code))) {
      transaction_state_ = TransactionState::kCommitOpen;
      broken_by_ = failed;
    } else if (!usable_ || IsRunAgain(failed)) {
      // After a lock wait the server keeps the transaction, without the statement that failed: to
      // go on would commit a part of it.
      transaction_state_ = TransactionState::kBroken;
      broken_by_ = failed;
    }
  }
  return failed;
}

}  // namespace quartermaster::mysql
