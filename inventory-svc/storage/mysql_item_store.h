#pragma once

#include <string>
#include <vector>

#include "inventory-svc/domain/item_directory.h"
#include "inventory-svc/domain/item_store.h"
#include "platform/base/uuid.h"
#include "platform/mysql/pool.h"

namespace quartermaster::inventory {

// Items in MySQL tables (migrations/0002_catalog.sql). Thread-safe. What it is given must outlive
// it.
class MysqlItemStore final : public ItemStore, public ItemSource {
 public:
  MysqlItemStore(mysql::Pool& reads, mysql::Pool& writes, base::UuidSource& uuids)
      : reads_(reads), writes_(writes), uuids_(uuids) {}

  absl::Status Atomically(absl::Time deadline,
                          absl::FunctionRef<absl::Status(ItemBook&)> body) override;
  absl::StatusOr<std::vector<document::Versioned<Item>>> FindItems(
      absl::Time deadline, const std::vector<std::string>& names) override;
  absl::StatusOr<Page<document::Versioned<Item>>> ListItems(absl::Time deadline,
                                                            const PageRequest& page) override;

  absl::StatusOr<std::vector<KnownItem>> LoadItems(absl::Time deadline,
                                                   const std::vector<std::string>& names) override;
  absl::StatusOr<std::vector<KnownItem>> LoadItems(absl::Time deadline,
                                                   const std::vector<ItemId>& ids) override;
  absl::StatusOr<ItemChanges> LoadItemChanges(absl::Time deadline, int64_t known_version) override;

 private:
  mysql::Pool& reads_;
  mysql::Pool& writes_;
  base::UuidSource& uuids_;
};

}  // namespace quartermaster::inventory
