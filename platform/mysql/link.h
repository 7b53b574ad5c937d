#pragma once

// Inside of `Connection`; the only header of ours that sees Connector/C++.

#include <cppconn/connection.h>
#include <cppconn/exception.h>
#include <cppconn/prepared_statement.h>
#include <cppconn/resultset.h>
#include <cppconn/resultset_metadata.h>
#include <cppconn/statement.h>

#include <algorithm>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "platform/mysql/connection.h"

namespace quartermaster::mysql {

// A statement that the server has prepared.
struct PreparedStatement {
  std::string sql;
  std::unique_ptr<sql::PreparedStatement> statement;
  bool gives_rows;
};

// Prepared statements by their text, the least recently used one dropped first.
// Not thread-safe.
class StatementCache {
 public:
  explicit StatementCache(size_t size_max) : size_max_(std::max<size_t>(1, size_max)) {}

  // Returns the prepared statement, which stays the cache's and valid until the next call. Throws
  // what the connector throws.
  PreparedStatement& Prepare(sql::Connection& connection, const std::string& sql);
  void Drop(const std::string& sql);
  size_t size() const { return entries_.size(); }

 private:
  const size_t size_max_;
  // The most recently used first.
  std::list<PreparedStatement> entries_;
  absl::flat_hash_map<std::string, std::list<PreparedStatement>::iterator> by_sql_;
};

// What the connector needs for one session. Members are destroyed from the last to the first:
// statements before their connection.
struct Connection::Link {
  Link(const ConnectionOptions& wanted, std::unique_ptr<sql::Connection> opened)
      : options(wanted),
        connection(std::move(opened)),
        text(connection->createStatement()),
        prepared(wanted.statement_cache_size_max) {}

  const ConnectionOptions options;
  std::unique_ptr<sql::Connection> connection;
  std::unique_ptr<sql::Statement> text;
  StatementCache prepared;
};

class Connection::Busy {
 public:
  explicit Busy(Connection& connection);
  ~Busy() { connection_.busy_ = false; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  Connection& connection_;
};

// Reads a result to its end. Throws what the connector throws.
Rows ReadRows(sql::ResultSet& result);

// Runs `call` and returns 0, or the error number and message of what it threw; -1 for an exception
// that is not the database's.
template <typename F>
std::pair<int, std::string> CatchSql(F call) {
  try {
    call();
    return {0, ""};
  } catch (const sql::SQLException& error) {
    const int code = error.getErrorCode();
    return {code == 0 ? -1 : code, error.what()};
  } catch (const std::exception& error) {
    return {-1, error.what()};
  }
}

}  // namespace quartermaster::mysql
