#pragma once

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {

// Tests that send what nobody should: after each, the tables hold what they held when the world was
// made.
class HostileTest : public LedgerTest {
 protected:
  HostileTest() : before_(RowCounts()) {}

  void TearDown() override {
    EXPECT_EQ(RowCounts(), before_) << "something was written";
    // Who behaves is served.
    EXPECT_EQ(Outcome(Post(AReceipt(1))), "OK");
    LedgerTest::TearDown();
  }

  // Counts the rows of every table but the accounts', which are made at zero and may stay so.
  std::map<std::string, int64_t> RowCounts() {
    auto lease = database_.pool().Acquire(absl::Now() + absl::Seconds(10));
    QM_CHECK(lease.ok());
    const auto tables = (*lease)->Query(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()");
    QM_CHECK(tables.ok());
    std::map<std::string, int64_t> counts;
    for (const mysql::Row row : *tables) {
      const std::string& table = row.String(0);
      const auto count = (*lease)->Query(absl::StrCat(
          "SELECT COUNT(*) FROM ", table, table == "balances" ? " WHERE quantity <> 0" : ""));
      QM_CHECK(count.ok());
      counts[table] = (*count)[0].Int64(0);
    }
    return counts;
  }

 private:
  std::map<std::string, int64_t> before_;
};

}  // namespace quartermaster::testing
