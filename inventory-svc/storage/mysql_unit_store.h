#pragma once

#include <string>
#include <vector>

#include "inventory-svc/domain/unit_directory.h"
#include "inventory-svc/domain/unit_store.h"
#include "platform/base/uuid.h"
#include "platform/mysql/pool.h"

namespace quartermaster::inventory {

// Units and locations in MySQL tables (migrations/0001_units.sql). Thread-safe. What it is given
// must outlive it.
class MysqlUnitStore final : public UnitStore, public UnitSource {
 public:
  MysqlUnitStore(mysql::Pool& reads, mysql::Pool& writes, base::UuidSource& uuids)
      : reads_(reads), writes_(writes), uuids_(uuids) {}

  absl::Status Atomically(absl::Time deadline,
                          absl::FunctionRef<absl::Status(UnitBook&)> body) override;
  absl::StatusOr<std::vector<document::Versioned<Unit>>> FindUnits(
      absl::Time deadline, const std::vector<std::string>& names) override;
  absl::StatusOr<std::vector<document::Versioned<Location>>> FindLocations(
      absl::Time deadline, const std::vector<std::string>& names) override;
  absl::StatusOr<UnitChanges> LoadUnitChanges(absl::Time deadline, int64_t known_version) override;

 private:
  mysql::Pool& reads_;
  mysql::Pool& writes_;
  base::UuidSource& uuids_;
};

}  // namespace quartermaster::inventory
