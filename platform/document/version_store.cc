#include "platform/document/version_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/error.h"
#include "platform/records/record_rows.h"

namespace quartermaster::document {
namespace {

constexpr char kSelectNewest[] =
    "SELECT version, record_time, snapshot FROM document_versions WHERE resource = ? "
    "ORDER BY version DESC LIMIT 1";

std::string Bytes(const base::Sha256Digest& digest) {
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

base::Sha256Digest Digest(const std::string& bytes) {
  base::Sha256Digest digest = {};
  QM_CHECK(bytes.size() == digest.size());
  std::ranges::copy(bytes, digest.begin());
  return digest;
}

std::optional<StoredVersion> ReadVersion(const mysql::Rows& rows) {
  if (rows.empty()) return std::nullopt;
  return StoredVersion{.version = static_cast<int32_t>(rows[0].Int64(0)),
                       .record_time = rows[0].Time(1),
                       .snapshot = rows[0].String(2)};
}

// Takes the place of the tasks that were open before. One row for each unit that the doer's grants
// must cover.
void ReplaceTasks(const NewVersion& version, std::vector<mysql::Statement>& statements) {
  if (version.version > 1) {
    statements.push_back(
        {.sql = "DELETE FROM document_tasks WHERE resource = ?", .params = {version.name}});
  }
  for (const Task& task : version.tasks) {
    for (const std::string& unit : task.units) {
      statements.push_back({.sql = "INSERT INTO document_tasks (resource, verb, unit, permission, "
                                   "barred_actors) VALUES (?, ?, ?, ?, ?)",
                            .params = {version.name, task.verb, unit, task.permission,
                                       absl::StrJoin(task.barred_actors, ",")}});
    }
  }
}

// Reads of each document of `names` the version that `version_sql` selects for its row `v`.
absl::StatusOr<std::vector<StoredVersion>> ReadVersions(mysql::Connection& connection,
                                                        const std::vector<std::string>& names,
                                                        absl::string_view version_sql,
                                                        const std::vector<mysql::Value>& params) {
  std::vector<StoredVersion> versions;
  if (names.empty()) return versions;
  // A batch renders its statement anew; a prepared one for each number of names would fill the
  // cache of statements.
  mysql::Statement statement{
      .sql = absl::StrCat("SELECT v.version, v.record_time, v.snapshot FROM document_versions v "
                          "WHERE v.resource IN ",
                          Placeholders(names.size()), " AND v.version = (", version_sql,
                          ") ORDER BY v.resource"),
      .params = {names.begin(), names.end()}};
  statement.params.insert(statement.params.end(), params.begin(), params.end());
  QM_ASSIGN_OR_RETURN(const std::vector<mysql::Rows> results,
                      connection.ExecuteBatch({std::move(statement)}));
  for (const mysql::Row row : results[0]) {
    versions.push_back({.version = static_cast<int32_t>(row.Int64(0)),
                        .record_time = row.Time(1),
                        .snapshot = row.String(2)});
  }
  return versions;
}

}  // namespace

absl::StatusOr<std::optional<StoredVersion>> FindNewestVersion(mysql::Connection& connection,
                                                               absl::string_view name) {
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows, connection.Query(kSelectNewest, {std::string(name)}));
  return ReadVersion(rows);
}

std::string JoinNewest(absl::string_view name_column) {
  return absl::StrCat("v.resource = ", name_column,
                      " AND v.version = (SELECT MAX(m.version) FROM document_versions m "
                      "WHERE m.resource = ",
                      name_column, ")");
}

std::string Placeholders(size_t count) {
  QM_CHECK(count > 0);
  return absl::StrCat("(", absl::StrJoin(std::vector<absl::string_view>(count, "?"), ", "), ")");
}

absl::StatusOr<std::vector<StoredVersion>> FindNewestVersions(
    mysql::Connection& connection, const std::vector<std::string>& names) {
  return ReadVersions(connection, names,
                      "SELECT MAX(m.version) FROM document_versions m WHERE m.resource = "
                      "v.resource",
                      {});
}

absl::StatusOr<std::vector<StoredVersion>> FindVersionsAsOf(mysql::Connection& connection,
                                                            const std::vector<std::string>& names,
                                                            const VersionBounds& bounds) {
  std::string newest =
      "SELECT MAX(m.version) FROM document_versions m JOIN records r ON r.record_id = m.record_id "
      "WHERE m.resource = v.resource AND r.sequence <= ?";
  std::vector<mysql::Value> params = {bounds.sequence};
  if (bounds.occurred_time.has_value()) {
    newest += " AND r.occurred_time <= ?";
    params.push_back(*bounds.occurred_time);
  }
  return ReadVersions(connection, names, newest, params);
}

absl::StatusOr<std::optional<EarlierWrite>> MysqlBook::FindEarlier(const Request& request) {
  const std::vector<mysql::Value> key = {request.caller, request.request_id.ToBytes()};
  std::vector<mysql::Statement> statements = {
      {.sql = "SELECT r.content_hash, v.version, v.record_time, v.snapshot "
              "FROM requests r JOIN document_versions v "
              "ON v.resource = r.resource AND v.version = r.version "
              "WHERE r.caller = ? AND r.request_id = ?",
       .params = key}};
  if (!other_requests_.empty()) {
    statements.push_back({.sql = absl::StrCat("SELECT 1 FROM ", other_requests_,
                                              " WHERE caller = ? AND request_id = ?"),
                          .params = key});
  }
  QM_ASSIGN_OR_RETURN(const std::vector<mysql::Rows> results, connection_.ExecuteBatch(statements));
  const mysql::Rows& rows = results[0];
  if (rows.empty()) {
    // The hash of no content: to whoever asks, the request had another.
    if (results.size() > 1 && !results[1].empty())
      return std::optional<EarlierWrite>(std::in_place);
    return std::optional<EarlierWrite>();
  }
  return std::optional<EarlierWrite>({.content_hash = Digest(rows[0].String(0)),
                                      .version = static_cast<int32_t>(rows[0].Int64(1)),
                                      .record_time = rows[0].Time(2),
                                      .snapshot = rows[0].String(3)});
}

absl::StatusOr<std::optional<StoredVersion>> MysqlBook::FindNewest(absl::string_view name) {
  return FindNewestVersion(connection_, name);
}

absl::StatusOr<std::optional<StoredVersion>> MysqlBook::LockNewest(absl::string_view name) {
  // Everybody locks the first version, which never goes away, and only then reads the newest: who
  // had waited for a lock on the newest itself would wake up holding the second newest.
  const std::string resource(name);
  QM_ASSIGN_OR_RETURN(
      const std::vector<mysql::Rows> results,
      connection_.ExecuteBatch(
          {{.sql = "SELECT version FROM document_versions WHERE resource = ? AND version = 1 "
                   "FOR UPDATE",
            .params = {resource}},
           {.sql = kSelectNewest, .params = {resource}}}));
  return ReadVersion(results[1]);
}

absl::Status MysqlBook::Append(const Request& request, const NewVersion& version) {
  const records::Record record{.record_id = uuids_.Next(),
                               .record_time = version.record_time,
                               .occurred_time = version.occurred_time,
                               .caller = request.caller,
                               .method = request.method,
                               .resource = version.name,
                               .request_id = request.request_id,
                               .before_hash = version.before_hash,
                               .after_hash = base::Sha256(version.snapshot),
                               .trace_id = request.trace_id};
  std::vector<mysql::Statement> statements = {
      {.sql = "INSERT INTO requests (caller, request_id, method, content_hash, resource, version) "
              "VALUES (?, ?, ?, ?, ?, ?)",
       .params = {request.caller, request.request_id.ToBytes(), request.method,
                  Bytes(request.content_hash), version.name, int64_t{version.version}}}};
  if (!other_requests_.empty()) {
    // A duplicate key where the other table took the request after it was looked for there. Waits
    // for one that is being written; it looks for our row in the same way.
    statements.push_back(
        {.sql = absl::StrCat(
             "INSERT INTO requests (caller, request_id, method, content_hash, resource, version) "
             "SELECT caller, request_id, '', '', '', 0 FROM ",
             other_requests_, " WHERE caller = ? AND request_id = ? LOCK IN SHARE MODE"),
         .params = {request.caller, request.request_id.ToBytes()}});
  }
  statements.insert(
      statements.end(),
      {records::InsertRecords({record}),
       {.sql = "INSERT INTO document_versions (resource, version, record_id, record_time, state, "
               "actor, snapshot) VALUES (?, ?, ?, ?, ?, ?, ?)",
        .params = {version.name, int64_t{version.version}, record.record_id.ToBytes(),
                   version.record_time, version.state, request.caller, version.snapshot}}});
  ReplaceTasks(version, statements);
  const absl::Status written = connection_.ExecuteBatch(statements).status();
  if (mysql::DuplicateKeyName(written).has_value()) {
    return mysql::RunAgain("the same request, or the same version, was written first");
  }
  return written;
}

}  // namespace quartermaster::document
