#pragma once

#include "inventory-svc/domain/lots.h"
#include "platform/base/uuid.h"
#include "platform/mysql/pool.h"

namespace quartermaster::inventory {

// Lots in MySQL tables. Thread-safe. What it is given must outlive it.
class MysqlLotStore final : public LotStore {
 public:
  MysqlLotStore(mysql::Pool& pool, base::UuidSource& uuids) : pool_(pool), uuids_(uuids) {}

  absl::Status Atomically(absl::Time deadline,
                          absl::FunctionRef<absl::Status(LotBook&)> body) override;

 private:
  mysql::Pool& pool_;
  base::UuidSource& uuids_;
};

}  // namespace quartermaster::inventory
