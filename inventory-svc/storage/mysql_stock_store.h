#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "inventory-svc/domain/stock_store.h"
#include "inventory-svc/storage/balance_ids.h"
#include "inventory-svc/storage/held_lots.h"
#include "platform/base/mutex.h"
#include "platform/mysql/pool.h"
#include "platform/mysql/transaction.h"

namespace quartermaster::inventory {

// Returns how a posting lane is to connect: a database that falls silent holds a turn no longer
// than the turn's own limit, in place of the longer silence that others put up with. A COMMIT that
// is silent for so long is not given up but looked up, as any whose answer was lost.
mysql::ConnectionOptions ForTurns(mysql::ConnectionOptions database, absl::Duration turn_time_max);

// The books in MySQL tables (migrations/0010_ledger.sql). Thread-safe. `pool` must outlive it.
class MysqlStockStore final : public StockStore {
 public:
  struct Options {
    size_t cached_balance_count_max = 1'000'000;
    size_t cached_lot_count_max = 1'000'000;
    mysql::TransactionOptions transaction = {};
  };

  MysqlStockStore(mysql::Pool& pool, const Options& options)
      : pool_(pool),
        options_(options),
        own_balance_ids_(std::make_unique<BalanceIds>(options.cached_balance_count_max)),
        balance_ids_(*own_balance_ids_),
        held_lots_(options.cached_lot_count_max) {}
  explicit MysqlStockStore(mysql::Pool& pool) : MysqlStockStore(pool, Options()) {}
  // Remembers balances together with another store, which must outlive it.
  MysqlStockStore(mysql::Pool& pool, const Options& options, BalanceIds& balance_ids)
      : pool_(pool),
        options_(options),
        balance_ids_(balance_ids),
        held_lots_(options.cached_lot_count_max) {}

  absl::Status Atomically(absl::Time deadline,
                          absl::FunctionRef<absl::Status(StockBook&)> body) override;
  absl::Status MakeBalances(absl::Time deadline, std::vector<BalanceKey> keys) override;
  absl::StatusOr<std::optional<EarlierRequest>> FindRequest(absl::Time deadline,
                                                            const RequestKey& request) override;
  absl::StatusOr<std::optional<Movement>> FindMovement(absl::Time deadline,
                                                       const base::Uuid& movement_id) override;
  bool MayBeOneMovementsFault(const absl::Status& status) const override;
  absl::StatusOr<std::vector<LotRow>> FindLots(absl::Time deadline,
                                               const std::vector<std::string>& names) override;
  absl::StatusOr<std::vector<LotId>> FindHeldLots(absl::Time deadline,
                                                  const std::vector<LotId>& lots,
                                                  const std::vector<UnitId>& units) override;

  // For the storage of documents, which post inside their own transactions.
  BalanceIds& balance_ids() { return balance_ids_; }

 private:
  // A connection whose reads end at `deadline`.
  absl::StatusOr<mysql::Lease> LeaseUntil(absl::Time deadline);

  mysql::Pool& pool_;
  const Options options_;
  const std::unique_ptr<BalanceIds> own_balance_ids_;
  BalanceIds& balance_ids_;
  HeldLots held_lots_;
  base::Mutex mutex_;
  // Lots never change, so what was read once stays true.
  absl::flat_hash_map<std::string, LotRow> lots_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::inventory
