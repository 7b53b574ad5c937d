#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/mysql/dialect.h"

namespace quartermaster::mysql::mariadb {

Statement LimitTime(Statement statement, absl::Duration limit) {
  // 0 would mean no limit at all. The division tells the server that the parameter is a number:
  // a bare `?` is refused when the statement is prepared.
  const int64_t micros = std::max<int64_t>(1000, absl::ToInt64Microseconds(limit));
  statement.sql = absl::StrCat("SET STATEMENT max_statement_time=?/1000000 FOR ", statement.sql);
  std::vector<Value> params;
  params.reserve(statement.params.size() + 1);
  params.emplace_back(micros);
  for (Value& value : statement.params) params.push_back(std::move(value));
  statement.params = std::move(params);
  return statement;
}

std::string EndIdleTransactions(absl::Duration limit) {
  // 0 would mean no limit at all.
  const int64_t seconds = std::max<int64_t>(1, absl::ToInt64Seconds(limit));
  return absl::StrCat(" /*M! , idle_transaction_timeout = ", seconds, " */");
}

}  // namespace quartermaster::mysql::mariadb
