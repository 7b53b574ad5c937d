#include "inventory-svc/storage/mysql_unit_store.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "inventory-svc/domain/names.h"
#include "inventory-svc/storage/directory_versions.h"
#include "inventory-svc/storage/posting_requests.h"
#include "inventory-svc/storage/read_documents.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/document/version_store.h"
#include "platform/mysql/transaction.h"

namespace quartermaster::inventory {
namespace {

UnitNode ReadNode(const mysql::Row& row) {
  UnitNode node{.id = static_cast<UnitId>(row.Int64(0)), .name = row.String(1)};
  if (!row.IsNull(2)) node.parent = static_cast<UnitId>(row.Int64(2));
  return node;
}

class MysqlUnitBook final : public document::MysqlBook, public UnitBook {
 public:
  MysqlUnitBook(mysql::Connection& connection, base::UuidSource& uuids)
      : document::MysqlBook(connection, uuids, kPostingRequests) {}

  absl::StatusOr<UnitTree> LockTree() override {
    QM_ASSIGN_OR_RETURN(version_, LockDirectory(connection(), kUnitsDirectory));
    QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                        connection().Query("SELECT unit_id, name, parent_id FROM units"));
    std::vector<UnitNode> nodes;
    last_unit_id_ = 0;
    for (const mysql::Row row : rows) {
      nodes.push_back(ReadNode(row));
      last_unit_id_ = std::max(last_unit_id_, row.Int64(0));
    }
    QM_ASSIGN_OR_RETURN(tree_, UnitTree::Make(std::move(nodes)));
    return *tree_;
  }

  absl::Status RecordUnit(const Unit& unit) override {
    QM_CHECK(tree_.has_value());
    mysql::Value parent = mysql::Null{};
    if (const auto id = tree_->Find(unit.parent)) parent = ToNumber(*id);
    if (const auto id = tree_->Find(unit.name)) {
      QM_RETURN_IF_ERROR(
          connection()
              .Execute("UPDATE units SET parent_id = ?, changed_version = ? WHERE unit_id = ?",
                       {parent, version_ + 1, ToNumber(*id)})
              .status());
    } else {
      QM_RETURN_IF_ERROR(connection()
                             .Execute("INSERT INTO units (unit_id, name, parent_id, "
                                      "changed_version) VALUES (?, ?, ?, ?)",
                                      {last_unit_id_ + 1, unit.name, parent, version_ + 1})
                             .status());
    }
    return SetDirectoryVersion(connection(), kUnitsDirectory, version_ + 1);
  }

  absl::Status RecordLocation(const Location& location) override {
    QM_CHECK(tree_.has_value());
    const std::optional<UnitId> unit = tree_->Find(UnitOfLocation(location.name));
    QM_CHECK(unit.has_value());
    QM_RETURN_IF_ERROR(
        connection()
            .Execute(
                "INSERT INTO locations (location_id, unit_id, name, kind, changed_version) "
                "SELECT next.id, ?, ?, ?, ? "
                "FROM (SELECT COALESCE(MAX(location_id), 0) + 1 AS id FROM locations) next",
                {ToNumber(*unit), location.name, static_cast<int64_t>(location.kind), version_ + 1})
            .status());
    return SetDirectoryVersion(connection(), kUnitsDirectory, version_ + 1);
  }

 private:
  // Known once the tree is locked.
  std::optional<UnitTree> tree_;
  int64_t version_ = 0;
  int64_t last_unit_id_ = 0;
};

}  // namespace

absl::Status MysqlUnitStore::Atomically(absl::Time deadline,
                                        absl::FunctionRef<absl::Status(UnitBook&)> body) {
  return mysql::InTransaction(writes_, deadline, [&](mysql::Connection& connection) {
    MysqlUnitBook book(connection, uuids_);
    return body(book);
  });
}

absl::StatusOr<std::vector<document::Versioned<Unit>>> MysqlUnitStore::FindUnits(
    absl::Time deadline, const std::vector<std::string>& names) {
  return ReadDocuments<Unit>(reads_, deadline, names);
}

absl::StatusOr<std::vector<document::Versioned<Location>>> MysqlUnitStore::FindLocations(
    absl::Time deadline, const std::vector<std::string>& names) {
  return ReadDocuments<Location>(reads_, deadline, names);
}

absl::StatusOr<UnitChanges> MysqlUnitStore::LoadUnitChanges(absl::Time deadline,
                                                            int64_t known_version) {
  QM_ASSIGN_OR_RETURN(mysql::Lease lease, reads_.Acquire(deadline));
  UnitChanges changes;
  QM_ASSIGN_OR_RETURN(changes.version, ReadDirectoryVersion(*lease, kUnitsDirectory));
  if (changes.version == known_version) return changes;
  changes.is_complete = known_version < 0 || known_version > changes.version;
  const int64_t since = changes.is_complete ? 0 : known_version;
  // Locations first: a unit that came since is then among the units, which are read after.
  QM_ASSIGN_OR_RETURN(const mysql::Rows locations,
                      lease->Query("SELECT location_id, unit_id, name, kind FROM locations "
                                   "WHERE changed_version > ?",
                                   {since}));
  for (const mysql::Row row : locations) {
    changes.locations.push_back({.id = static_cast<LocationId>(row.Int64(0)),
                                 .unit = static_cast<UnitId>(row.Int64(1)),
                                 .name = row.String(2),
                                 .kind = static_cast<LocationKind>(row.Int64(3))});
  }
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows units,
      lease->Query("SELECT unit_id, name, parent_id FROM units WHERE changed_version > ?",
                   {since}));
  for (const mysql::Row row : units) changes.units.push_back(ReadNode(row));
  return changes;
}

}  // namespace quartermaster::inventory
