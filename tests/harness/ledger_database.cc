#include "tests/harness/ledger_database.h"

#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "inventory_migrations.h"
#include "tests/harness/database.h"
#include "tests/harness/ledger_world.h"

namespace quartermaster::inventory {

mysql::Pool& EmptyLedgerDatabase() {
  testing::TestDatabase& database = testing::SharedDatabase(InventoryMigrations());
  database.ClearTables();
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  const absl::StatusOr<mysql::Lease> connection = database.pool().Acquire(deadline);
  EXPECT_TRUE(connection.ok()) << connection.status();
  for (const std::string& sql : LedgerWorld::SeedStatements()) {
    const auto made = (*connection)->Execute(sql);
    EXPECT_TRUE(made.ok()) << made.status();
  }
  return database.pool();
}

}  // namespace quartermaster::inventory
