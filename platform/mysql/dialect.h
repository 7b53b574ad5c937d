#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/mysql/value.h"

// Where MariaDB and MySQL differ: one file each, `dialect_mariadb.cc` and `dialect_mysql.cc`.
namespace quartermaster::mysql {

namespace mariadb {
// Makes the server stop the reading statement after `limit`. The limit is a parameter, so that the
// prepared statement stays the same.
Statement LimitTime(Statement statement, absl::Duration limit);
inline constexpr char kIsolationVariable[] = "tx_isolation";
// Returns what follows the last assignment of a SET and makes the server end a session whose
// transaction is idle for so long, in whole seconds. MySQL, which knows no such thing, reads a
// comment.
std::string EndIdleTransactions(absl::Duration limit);
}  // namespace mariadb

namespace mysql8 {
// The same by an optimizer hint, which only a SELECT can carry and which takes no parameter: the
// limit is rounded up to a tenth of a second, so that few texts are prepared.
Statement LimitTime(Statement statement, absl::Duration limit);
inline constexpr char kIsolationVariable[] = "transaction_isolation";
}  // namespace mysql8

}  // namespace quartermaster::mysql
