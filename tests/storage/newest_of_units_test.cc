// Lists by units, newest first: what they find, and how much they read for it.

#include "inventory-svc/storage/newest_of_units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "inventory-svc/storage/movement_rows.h"
#include "inventory_migrations.h"
#include "platform/base/check.h"
#include "tests/harness/database.h"

namespace quartermaster::inventory {
namespace {

constexpr int kUnitCount = 1000;
constexpr int kItemCount = 20;

base::Uuid IdOf(int number) {
  base::Uuid id;
  for (int i = 0; i < 4; ++i) id.bytes[i] = static_cast<uint8_t>(number >> (24 - 8 * i));
  return id;
}

// A tree of a thousand units. Ten of them are busy; the others moved something long ago, most of it
// together with another.
class NewestOfUnitsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    Run("SET foreign_key_checks = 0");
    std::vector<std::string> units;
    for (int unit = 1; unit <= kUnitCount; ++unit) {
      units.push_back(
          absl::StrCat("(", unit, ", 'units/u", unit, "', ", unit == 1 ? "NULL" : "1", ", 1)"));
    }
    Run(absl::StrCat("INSERT INTO units (unit_id, name, parent_id, changed_version) VALUES ",
                     absl::StrJoin(units, ",")));
    std::mt19937 random(20200123);
    std::vector<std::string> rows;
    const auto add = [&](int unit, int number) {
      rows.push_back(absl::StrCat("(", unit, ",", UuidLiteral(IdOf(number)), ",",
                                  1 + random() % kItemCount, ")"));
    };
    for (int number = 1; number <= 20'000; ++number) {
      add(1 + static_cast<int>(random() % kUnitCount), number);
      if (number % 2 == 0) add(1 + static_cast<int>(random() % kUnitCount), number);
    }
    for (int number = 20'001; number <= 50'000; ++number) {
      add(1 + static_cast<int>(random() % 10), number);
    }
    for (size_t i = 0; i < rows.size(); i += 1000) {
      const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(i);
      const auto end = rows.begin() + static_cast<std::ptrdiff_t>(std::min(i + 1000, rows.size()));
      Run(absl::StrCat("INSERT IGNORE INTO movement_scopes (unit_id, movement_id, item_id) VALUES ",
                       absl::StrJoin(begin, end, ",")));
    }
    Run("ANALYZE TABLE movement_scopes");
  }
  void SetUp() override {
    auto lease = Database().pool().Acquire(absl::Now() + absl::Seconds(10));
    ASSERT_TRUE(lease.ok()) << lease.status();
    lease_.emplace(*std::move(lease));
  }

  static testing::TestDatabase& Database() {
    return testing::SharedDatabase(InventoryMigrations());
  }
  static void Run(const std::string& sql) {
    auto lease = Database().pool().Acquire(absl::Now() + absl::Seconds(10));
    QM_CHECK(lease.ok());
    const absl::Status done = (*lease)->Query(sql).status();
    EXPECT_TRUE(done.ok()) << done;
  }

  static NewestQuery Of(int unit_count, int limit) {
    NewestQuery query{.table = "movement_scopes",
                      .id_column = "movement_id",
                      .item_index = "ix_movement_scopes_item",
                      .limit = limit};
    for (int unit = 1; unit <= unit_count; ++unit) {
      query.units.push_back(UnitId{static_cast<uint16_t>(unit)});
    }
    return query;
  }
  // The same by one plain statement, however long that takes.
  std::vector<base::Uuid> Plainly(const NewestQuery& query) {
    std::string sql = absl::StrCat("SELECT DISTINCT movement_id FROM movement_scopes WHERE ",
                                   "unit_id >= ", ToNumber(query.units.front()),
                                   " AND unit_id <= ", ToNumber(query.units.back()));
    if (query.item.has_value()) absl::StrAppend(&sql, " AND item_id = ", ToNumber(*query.item));
    if (!query.before.is_nil()) {
      absl::StrAppend(&sql, " AND movement_id < ", UuidLiteral(query.before));
    }
    absl::StrAppend(&sql, " ORDER BY movement_id DESC LIMIT ", query.limit);
    const auto rows = (*lease_)->Query(sql);
    EXPECT_TRUE(rows.ok()) << rows.status();
    std::vector<base::Uuid> ids;
    for (const mysql::Row row : *rows) ids.push_back(*base::Uuid::FromBytes(row.String(0)));
    return ids;
  }
  std::vector<base::Uuid> Newest(const NewestQuery& query) {
    const auto ids = FindNewestOfUnits(**lease_, query);
    EXPECT_TRUE(ids.ok()) << ids.status();
    return ids.value_or(std::vector<base::Uuid>());
  }
  // How many rows the connection has read of tables so far.
  int64_t RowsRead() {
    const auto rows = (*lease_)->Query(
        "SELECT CAST(SUM(VARIABLE_VALUE) AS INTEGER) FROM information_schema.SESSION_STATUS WHERE "
        "VARIABLE_NAME IN "
        "('HANDLER_READ_FIRST', 'HANDLER_READ_KEY', 'HANDLER_READ_LAST', 'HANDLER_READ_NEXT', "
        "'HANDLER_READ_PREV', 'HANDLER_READ_RND_NEXT')");
    EXPECT_TRUE(rows.ok()) << rows.status();
    return rows.ok() ? (*rows)[0].Int64(0) : 0;
  }

  std::optional<mysql::Lease> lease_;
};

TEST_F(NewestOfUnitsTest, FindsWhatOnePlainStatementFinds) {
  for (const int unit_count : {1, 2, 8, 9, 40, 1000}) {
    for (const int limit : {1, 2, 101, 1001}) {
      for (const int before : {0, 3, 15'000, 45'000}) {
        for (const int item : {0, 7}) {
          NewestQuery query = Of(unit_count, limit);
          if (before > 0) query.before = IdOf(before);
          if (item > 0) query.item = ItemId{static_cast<uint32_t>(item)};

          EXPECT_EQ(Newest(query), Plainly(query)) << unit_count << " units, page " << limit
                                                   << ", before " << before << ", item " << item;
        }
      }
    }
  }
}

// Goal: a page for who covers a thousand units costs a look at each and little more, wherever in
// the books it is and whatever the item. Reading a page of each unit would be twenty thousand rows.
TEST_F(NewestOfUnitsTest, ReadsLittleMoreThanEachUnitsNewest) {
  for (const int before : {0, 18'000}) {
    for (const int item : {0, 7}) {
      NewestQuery query = Of(kUnitCount, 101);
      if (before > 0) query.before = IdOf(before);
      if (item > 0) query.item = ItemId{static_cast<uint32_t>(item)};
      const int64_t rows_before = RowsRead();

      ASSERT_EQ(Newest(query).size(), 101u);

      const int64_t rows_read = RowsRead() - rows_before;
      RecordProperty(absl::StrCat("rows_read_", before, "_", item), std::to_string(rows_read));
      EXPECT_LT(rows_read, 8000) << "before " << before << ", item " << item;
    }
  }
}

}  // namespace
}  // namespace quartermaster::inventory
