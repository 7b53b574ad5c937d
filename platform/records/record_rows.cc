#include "platform/records/record_rows.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"

namespace quartermaster::records {
namespace {

base::Uuid ToUuid(const std::string& bytes) {
  const std::optional<base::Uuid> uuid = base::Uuid::FromBytes(bytes);
  QM_CHECK(uuid.has_value());
  return *uuid;
}

}  // namespace

std::string ToBytes(const base::Sha256Digest& digest) {
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

base::Sha256Digest ToDigest(const std::string& bytes) {
  base::Sha256Digest digest = {};
  QM_CHECK(bytes.size() == digest.size());
  std::ranges::copy(bytes, digest.begin());
  return digest;
}

Record ReadRecord(const mysql::Row& row, size_t first) {
  Record record{.record_id = ToUuid(row.String(first)),
                .record_time = row.Time(first + 1),
                .occurred_time = row.Time(first + 2),
                .caller = row.String(first + 3),
                .method = row.String(first + 4),
                .resource = row.String(first + 5),
                .request_id = ToUuid(row.String(first + 6)),
                .after_hash = ToDigest(row.String(first + 8)),
                .trace_id = row.String(first + 9)};
  if (!row.IsNull(first + 7)) record.before_hash = ToDigest(row.String(first + 7));
  return record;
}

mysql::Statement InsertRecords(const std::vector<Record>& records) {
  QM_CHECK(!records.empty());
  mysql::Statement statement{
      .sql = absl::StrCat("INSERT INTO records (", kRecordColumns, ") VALUES ")};
  for (const Record& record : records) {
    if (!statement.params.empty()) statement.sql += ", ";
    statement.sql += "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    mysql::Value before = mysql::Null{};
    if (record.before_hash.has_value()) before = ToBytes(*record.before_hash);
    for (mysql::Value value :
         {mysql::Value(record.record_id.ToBytes()), mysql::Value(record.record_time),
          mysql::Value(record.occurred_time), mysql::Value(record.caller),
          mysql::Value(record.method), mysql::Value(record.resource),
          mysql::Value(record.request_id.ToBytes()), before,
          mysql::Value(ToBytes(record.after_hash)), mysql::Value(record.trace_id)}) {
      statement.params.push_back(std::move(value));
    }
  }
  return statement;
}

}  // namespace quartermaster::records
