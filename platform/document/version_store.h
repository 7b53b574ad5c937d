#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "platform/base/uuid.h"
#include "platform/document/document.h"
#include "platform/mysql/connection.h"

namespace quartermaster::document {

// The SQL of documents: tables `document_versions`, `requests`, `document_tasks` and `records`.
//
// Statements run in the transaction that is open on the connection. `Append` touches its tables in
// the one lock order of every transaction: request ids, then records, then the versions and tasks
// that hang on the document's own lock.
class MysqlBook : public virtual Book {
 public:
  // Both must outlive the book. `other_requests` is the name of a further table with the columns
  // `caller` and `request_id`, if there is one: requests that did something else than write a
  // document, so that no document can repeat them.
  MysqlBook(mysql::Connection& connection, base::UuidSource& uuids,
            absl::string_view other_requests = "")
      : connection_(connection), uuids_(uuids), other_requests_(other_requests) {}

  absl::StatusOr<std::optional<EarlierWrite>> FindEarlier(const Request& request) override;
  absl::StatusOr<std::optional<StoredVersion>> FindNewest(absl::string_view name) override;
  absl::StatusOr<std::optional<StoredVersion>> LockNewest(absl::string_view name) override;
  absl::Status Append(const Request& request, const NewVersion& version) override;

 protected:
  mysql::Connection& connection() { return connection_; }

 private:
  mysql::Connection& connection_;
  base::UuidSource& uuids_;
  const std::string other_requests_;
};

// Finds the newest version of a document, outside any transaction too.
absl::StatusOr<std::optional<StoredVersion>> FindNewestVersion(mysql::Connection& connection,
                                                               absl::string_view name);

// Finds the newest version of each document of `names`, in the order of their names; one that does
// not exist is missing.
absl::StatusOr<std::vector<StoredVersion>> FindNewestVersions(
    mysql::Connection& connection, const std::vector<std::string>& names);

// Which versions there were at a past moment, by their records.
struct VersionBounds {
  // Up to this one in the sealed order.
  int64_t sequence = 0;
  // And of those, what had happened by then, if it is given.
  std::optional<absl::Time> occurred_time = std::nullopt;
};

// As `FindNewestVersions`, of the versions within `bounds`; a document that had none is missing.
absl::StatusOr<std::vector<StoredVersion>> FindVersionsAsOf(mysql::Connection& connection,
                                                            const std::vector<std::string>& names,
                                                            const VersionBounds& bounds);

// Renders the condition by which the newest of `document_versions v` is joined to the document
// whose name is in `name_column`.
std::string JoinNewest(absl::string_view name_column);

// Renders `(?, ?, ?)` for that many parameters, at least one.
std::string Placeholders(size_t count);

}  // namespace quartermaster::document
