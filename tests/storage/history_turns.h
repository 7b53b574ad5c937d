#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "inventory-svc/storage/history_writer.h"
#include "platform/mysql/pool.h"
#include "platform/records/sealer.h"

// What the tests of the past have in common.
namespace quartermaster::inventory {

// Seals everything and has the history take it in.
inline void SealAndTakeIn(records::Sealer& sealer, HistoryWriter& writer) {
  for (absl::StatusOr<int> sealed = 1; *sealed > 0;) {
    sealed = sealer.TakeTurn();
    ASSERT_TRUE(sealed.ok()) << sealed.status();
  }
  for (bool has_more = true; has_more;) {
    const auto turn = writer.TakeTurn();
    ASSERT_TRUE(turn.ok()) << turn.status();
    has_more = !turn->has_value() || (*turn)->has_more;
  }
}

// Asks the database itself; no rows, and a failure of the test, if that fails.
inline mysql::Rows QueryRows(mysql::Pool& pool, const std::string& sql) {
  const absl::StatusOr<mysql::Lease> connection = pool.Acquire(absl::Now() + absl::Seconds(30));
  EXPECT_TRUE(connection.ok()) << connection.status();
  if (!connection.ok()) return {};
  absl::StatusOr<mysql::Rows> rows = (*connection)->Query(sql);
  EXPECT_TRUE(rows.ok()) << rows.status() << "\n" << sql;
  return rows.ok() ? *std::move(rows) : mysql::Rows();
}

}  // namespace quartermaster::inventory
