#pragma once

#include <string>
#include <vector>

#include "inventory-svc/domain/transfer_store.h"
#include "inventory-svc/storage/balance_ids.h"
#include "platform/base/uuid.h"
#include "platform/mysql/pool.h"

namespace quartermaster::inventory {

// Transfers in MySQL tables. Thread-safe. What it is given must outlive it; `balance_ids` is that
// of the store that makes the balances.
class MysqlTransferStore final : public TransferStore {
 public:
  MysqlTransferStore(mysql::Pool& reads, mysql::Pool& writes, BalanceIds& balance_ids,
                     base::UuidSource& uuids)
      : reads_(reads), writes_(writes), balance_ids_(balance_ids), uuids_(uuids) {}

  absl::Status Atomically(absl::Time deadline,
                          absl::FunctionRef<absl::Status(TransferBook&)> body) override;
  absl::StatusOr<std::vector<document::Versioned<Transfer>>> FindTransfers(
      absl::Time deadline, const std::vector<std::string>& names) override;
  absl::StatusOr<std::vector<document::Versioned<Transfer>>> FindTransfersAsOf(
      absl::Time deadline, const std::vector<std::string>& names, const Moment& moment) override;
  absl::StatusOr<std::vector<base::Uuid>> ListTransfers(absl::Time deadline,
                                                        const TransferQuery& query) override;

 private:
  mysql::Pool& reads_;
  mysql::Pool& writes_;
  BalanceIds& balance_ids_;
  base::UuidSource& uuids_;
};

}  // namespace quartermaster::inventory
