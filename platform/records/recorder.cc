#include "platform/records/recorder.h"

#include <string>
#include <utility>

#include "platform/base/check.h"
#include "platform/base/status_macros.h"

namespace quartermaster::records {
namespace {

std::string Bytes(const base::Sha256Digest& digest) {
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

}  // namespace

mysql::Statement InsertRecords(const std::vector<Record>& records) {
  QM_CHECK(!records.empty());
  mysql::Statement statement{
      .sql =
          "INSERT INTO records (record_id, record_time, occurred_time, caller, method, resource, "
          "request_id, before_hash, after_hash, trace_id) VALUES "};
  for (const Record& record : records) {
    if (!statement.params.empty()) statement.sql += ", ";
    statement.sql += "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    mysql::Value before = mysql::Null{};
    if (record.before_hash.has_value()) before = Bytes(*record.before_hash);
    for (mysql::Value value :
         {mysql::Value(record.record_id.ToBytes()), mysql::Value(record.record_time),
          mysql::Value(record.occurred_time), mysql::Value(record.caller),
          mysql::Value(record.method), mysql::Value(record.resource),
          mysql::Value(record.request_id.ToBytes()), before, mysql::Value(Bytes(record.after_hash)),
          mysql::Value(record.trace_id)}) {
      statement.params.push_back(std::move(value));
    }
  }
  return statement;
}

absl::Status Recorder::Append(mysql::Connection& connection, const Record& record) const {
  return Append(connection, std::vector<Record>{record});
}

absl::Status Recorder::Append(mysql::Connection& connection,
                              const std::vector<Record>& records) const {
  mysql::Statement statement = InsertRecords(records);
  return connection.Execute(statement.sql, std::move(statement.params)).status();
}

}  // namespace quartermaster::records
