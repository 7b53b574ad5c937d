#include "inventory-svc/storage/mysql_item_store.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "inventory-svc/storage/directory_versions.h"
#include "inventory-svc/storage/posting_requests.h"
#include "inventory-svc/storage/read_documents.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/document/version_store.h"
#include "platform/mysql/transaction.h"

namespace quartermaster::inventory {
namespace {

class MysqlItemBook final : public document::MysqlBook, public ItemBook {
 public:
  MysqlItemBook(mysql::Connection& connection, base::UuidSource& uuids)
      : document::MysqlBook(connection, uuids, kPostingRequests) {}

  absl::Status LockCatalog() override {
    QM_ASSIGN_OR_RETURN(version_, LockDirectory(connection(), kItemsDirectory));
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> FindMissing(
      const std::vector<std::string>& names) override {
    std::vector<std::string> missing;
    for (const std::string& name : names) {
      QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                          connection().Query("SELECT 1 FROM items WHERE name = ?", {name}));
      if (rows.empty()) missing.push_back(name);
    }
    return missing;
  }

  absl::Status RecordItem(const Item& item, bool is_new) override {
    QM_CHECK(version_.has_value());
    const int64_t next_version = *version_ + 1;
    const int64_t hazard = static_cast<int64_t>(item.hazard);
    if (is_new) {
      QM_RETURN_IF_ERROR(
          connection()
              .Execute("INSERT INTO items (item_id, name, base_unit, is_expiring, is_durable, "
                       "hazard, changed_version) "
                       "SELECT next.id, ?, ?, ?, ?, ?, ? "
                       "FROM (SELECT COALESCE(MAX(item_id), 0) + 1 AS id FROM items) next",
                       {item.name, item.base_unit, int64_t{item.is_expiring},
                        int64_t{item.is_durable}, hazard, next_version})
              .status());
    } else {
      QM_RETURN_IF_ERROR(connection()
                             .Execute("UPDATE items SET hazard = ?, changed_version = ? "
                                      "WHERE name = ?",
                                      {hazard, next_version, item.name})
                             .status());
    }
    return SetDirectoryVersion(connection(), kItemsDirectory, next_version);
  }

 private:
  // Known once the catalog is locked.
  std::optional<int64_t> version_;
};

// Reads items by a condition on `items i`.
absl::StatusOr<std::vector<KnownItem>> ReadItems(mysql::Pool& pool, absl::Time deadline,
                                                 absl::string_view condition,
                                                 std::vector<mysql::Value> params) {
  QM_ASSIGN_OR_RETURN(mysql::Lease lease, pool.Acquire(deadline));
  QM_ASSIGN_OR_RETURN(
      const std::vector<mysql::Rows> results,
      lease->ExecuteBatch(
          {{.sql = absl::StrCat("SELECT i.item_id, v.version, v.record_time, v.snapshot "
                                "FROM items i JOIN document_versions v ON ",
                                document::JoinNewest("i.name"), " WHERE ", condition),
            .params = std::move(params)}}));
  std::vector<KnownItem> items;
  for (const mysql::Row row : results[0]) {
    QM_ASSIGN_OR_RETURN(document::Versioned<Item> item,
                        document::Read<Item>({.version = static_cast<int32_t>(row.Int64(1)),
                                              .record_time = row.Time(2),
                                              .snapshot = row.String(3)}));
    items.push_back({.id = static_cast<ItemId>(row.Int64(0)), .item = std::move(item.body)});
  }
  return items;
}

}  // namespace

absl::Status MysqlItemStore::Atomically(absl::Time deadline,
                                        absl::FunctionRef<absl::Status(ItemBook&)> body) {
  return mysql::InTransaction(writes_, deadline, [&](mysql::Connection& connection) {
    MysqlItemBook book(connection, uuids_);
    return body(book);
  });
}

absl::StatusOr<std::vector<document::Versioned<Item>>> MysqlItemStore::FindItems(
    absl::Time deadline, const std::vector<std::string>& names) {
  return ReadDocuments<Item>(reads_, deadline, names);
}

absl::StatusOr<Page<document::Versioned<Item>>> MysqlItemStore::ListItems(absl::Time deadline,
                                                                          const PageRequest& page) {
  std::vector<std::string> names;
  {
    QM_ASSIGN_OR_RETURN(mysql::Lease lease, reads_.Acquire(deadline));
    QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                        lease->Query("SELECT name FROM items WHERE name > ? ORDER BY name LIMIT ?",
                                     {page.after, int64_t{page.size} + 1}));
    for (const mysql::Row row : rows) names.push_back(row.String(0));
  }
  Page<document::Versioned<Item>> found;
  if (names.size() > static_cast<size_t>(page.size)) {
    names.pop_back();
    found.next_after = names.back();
  }
  QM_ASSIGN_OR_RETURN(found.rows, FindItems(deadline, names));
  return found;
}

absl::StatusOr<std::vector<KnownItem>> MysqlItemStore::LoadItems(
    absl::Time deadline, const std::vector<std::string>& names) {
  return ReadItems(reads_, deadline,
                   absl::StrCat("i.name IN ", document::Placeholders(names.size())),
                   {names.begin(), names.end()});
}

absl::StatusOr<std::vector<KnownItem>> MysqlItemStore::LoadItems(absl::Time deadline,
                                                                 const std::vector<ItemId>& ids) {
  std::vector<mysql::Value> params;
  for (const ItemId id : ids) params.emplace_back(ToNumber(id));
  return ReadItems(reads_, deadline,
                   absl::StrCat("i.item_id IN ", document::Placeholders(ids.size())),
                   std::move(params));
}

absl::StatusOr<ItemChanges> MysqlItemStore::LoadItemChanges(absl::Time deadline,
                                                            int64_t known_version) {
  QM_ASSIGN_OR_RETURN(mysql::Lease lease, reads_.Acquire(deadline));
  ItemChanges changes;
  QM_ASSIGN_OR_RETURN(changes.version, ReadDirectoryVersion(*lease, kItemsDirectory));
  if (changes.version == known_version) return changes;
  changes.is_everything = known_version < 0 || known_version > changes.version;
  if (changes.is_everything) return changes;
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows rows,
      lease->Query("SELECT name FROM items WHERE changed_version > ?", {known_version}));
  for (const mysql::Row row : rows) changes.names.push_back(row.String(0));
  return changes;
}

}  // namespace quartermaster::inventory
