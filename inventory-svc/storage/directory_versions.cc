#include "inventory-svc/storage/directory_versions.h"

#include <string>

#include "platform/base/status_macros.h"

namespace quartermaster::inventory {

absl::StatusOr<int64_t> ReadDirectoryVersion(mysql::Connection& connection, const char* directory) {
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                      connection.Query("SELECT version FROM directories WHERE directory = ?",
                                       {std::string(directory)}));
  return rows.empty() ? 0 : rows[0].Int64(0);
}

absl::StatusOr<int64_t> LockDirectory(mysql::Connection& connection, const char* directory) {
  constexpr char kLock[] = "SELECT version FROM directories WHERE directory = ? FOR UPDATE";
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows, connection.Query(kLock, {std::string(directory)}));
  if (!rows.empty()) return rows[0].Int64(0);
  // Only before the very first change. A row that is not there cannot be locked, so that two who
  // found none meet on the insert.
  QM_RETURN_IF_ERROR(
      connection
          .Execute("INSERT IGNORE INTO directories (directory, version) VALUES (?, 0)",
                   {std::string(directory)})
          .status());
  QM_ASSIGN_OR_RETURN(const mysql::Rows made, connection.Query(kLock, {std::string(directory)}));
  return made[0].Int64(0);
}

absl::Status SetDirectoryVersion(mysql::Connection& connection, const char* directory,
                                 int64_t version) {
  return connection
      .Execute("UPDATE directories SET version = ? WHERE directory = ?",
               {version, std::string(directory)})
      .status();
}

}  // namespace quartermaster::inventory
