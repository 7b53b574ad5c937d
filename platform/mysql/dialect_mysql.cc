#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/mysql/dialect.h"

namespace quartermaster::mysql::mysql8 {

Statement LimitTime(Statement statement, absl::Duration limit) {
  constexpr char kSelect[] = "SELECT ";
  if (!absl::StartsWithIgnoreCase(statement.sql, kSelect)) return statement;
  const int64_t tenths = std::max<int64_t>(1, absl::ToInt64Milliseconds(limit) / 100 + 1);
  statement.sql = absl::StrCat("SELECT /*+ MAX_EXECUTION_TIME(", tenths * 100, ") */ ",
                               statement.sql.substr(sizeof(kSelect) - 1));
  return statement;
}

}  // namespace quartermaster::mysql::mysql8
