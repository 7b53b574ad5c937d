#include "inventory-svc/domain/item_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "inventory-svc/domain/item_units.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

constexpr int64_t kMax = INT64_MAX;
const absl::Time kLater = absl::FromUnixSeconds(1'800'000'000);

// Gloves by the piece or the pair; two pairs to a bag.
Item Gloves() {
  return {.name = "items/gloves",
          .title = {.zh = "手套"},
          .base_unit = "piece",
          .units = {{.unit = "pair", .numerator = 2}},
          .packs = {{.pack = "bag",
                     .content_amount = 2,
                     .content_unit = "pair",
                     .version = 1,
                     .base_quantity = 4}}};
}

TEST(ToBaseTest, ConvertsExactlyOrRefuses) {
  struct Case {
    int64_t amount;
    const char* unit;
    int64_t base;
    const char* reason;
  };
  const Case cases[] = {
      {7, "", 7, ""},
      {7, "piece", 7, ""},
      {7, "pair", 14, ""},
      {7, "bag", 28, ""},
      {0, "pair", 0, ""},
      {kMax, "piece", kMax, ""},
      {kMax / 2, "pair", kMax - 1, ""},
      {kMax / 2 + 1, "pair", 0, "QUANTITY_OVERFLOW"},
      {kMax, "bag", 0, "QUANTITY_OVERFLOW"},
      {1, "yuan", 0, "UNIT_OF_MEASURE_UNKNOWN"},
      {1, "Pair", 0, "UNIT_OF_MEASURE_UNKNOWN"},
      {1, "litre", 0, "UNIT_OF_MEASURE_UNKNOWN"},
  };
  for (const Case& row : cases) {
    const absl::StatusOr<int64_t> base = ToBase(Gloves(), row.amount, row.unit);
    EXPECT_EQ(status::GetReason(base.status()), row.reason) << row.amount << " " << row.unit;
    EXPECT_EQ(base.value_or(0), row.base) << row.amount << " " << row.unit;
  }
}

TEST(ToBaseTest, ARatioCountsByItsQuotient) {
  Item item = Gloves();
  item.units.push_back({.unit = "score", .numerator = 40, .denominator = 2});

  EXPECT_EQ(*ToBase(item, 3, "score"), 60);
}

TEST(CheckConversionsTest, OneOfEachUnitIsAWholeNumberOfBaseUnits) {
  struct Case {
    int64_t numerator;
    int64_t denominator;
    bool is_exact;
  };
  const Case cases[] = {{1, 1, true},     {800, 1, true},    {4, 5, false}, {5, 5, true},
                        {10, 4, false},   {8, 4, true},      {1, 2, false}, {kMax, 1, true},
                        {1, kMax, false}, {kMax, kMax, true}};
  for (const Case& row : cases) {
    Item item = Gloves();
    item.units = {{.unit = "u", .numerator = row.numerator, .denominator = row.denominator}};
    EXPECT_EQ(CheckConversions(item).ok(), row.is_exact) << row.numerator << "/" << row.denominator;
  }
}

TEST(ReviseTest, KeepsWhatIsNotTheCallersToChange) {
  Item item = Gloves();
  item.create_time = absl::FromUnixSeconds(5);
  Item wanted = item;
  wanted.packs.clear();
  wanted.create_time = absl::FromUnixSeconds(9);
  wanted.title.zh = "新";
  wanted.units.push_back({.unit = "dozen", .numerator = 12});

  const absl::StatusOr<Item> revised = Revise(item, wanted, kLater);

  ASSERT_TRUE(revised.ok()) << revised.status();
  EXPECT_EQ(revised->packs, item.packs);
  EXPECT_EQ(revised->create_time, item.create_time);
  EXPECT_EQ(revised->update_time, kLater);
  EXPECT_EQ(revised->title.zh, "新");
  EXPECT_EQ(revised->units.size(), 2u);
}

TEST(ReviseTest, RefusesToChangeWhatPostingsRestOn) {
  struct Case {
    const char* fact;
    void (*change)(Item&);
  };
  const Case cases[] = {
      {"base_unit", [](Item& item) { item.base_unit = "pair"; }},
      {"is_expiring", [](Item& item) { item.is_expiring = true; }},
      {"is_durable", [](Item& item) { item.is_durable = true; }},
      {"units.pair", [](Item& item) { item.units.clear(); }},
      {"units.pair", [](Item& item) { item.units[0].numerator = 3; }},
      {"packs.bag", [](Item& item) { item.units.push_back({.unit = "bag", .numerator = 9}); }},
  };
  for (const Case& row : cases) {
    Item wanted = Gloves();
    row.change(wanted);
    const absl::Status refused = Revise(Gloves(), wanted, kLater).status();
    EXPECT_EQ(status::GetReason(refused), "ITEM_FACT_FIXED") << row.fact;
    EXPECT_THAT(status::GetErrorDetail(refused).metadata,
                testing::Contains(testing::Pair("fact", row.fact)));
  }
}

TEST(WithPackTest, NumbersVersionsAndFixesTheAmount) {
  const absl::StatusOr<Item> changed =
      WithPack(Gloves(), {.pack = "bag", .content_amount = 3, .content_unit = "pair"}, kLater);

  ASSERT_TRUE(changed.ok()) << changed.status();
  ASSERT_EQ(changed->packs.size(), 1u);
  EXPECT_EQ(changed->packs[0].version, 2);
  EXPECT_EQ(changed->packs[0].base_quantity, 6);
  EXPECT_EQ(changed->update_time, kLater);
}

TEST(WithPackTest, RefusesInTheDocumentedOrder) {
  EXPECT_EQ(status::GetReason(
                WithPack(Gloves(), {.pack = "pair", .content_unit = "bag"}, kLater).status()),
            "UNIT_OF_MEASURE_UNKNOWN");
  EXPECT_EQ(status::GetReason(
                WithPack(Gloves(), {.pack = "pair", .content_amount = kMax, .content_unit = "pair"},
                         kLater)
                    .status()),
            "QUANTITY_OVERFLOW");
  for (const char* taken : {"pair", "piece"}) {
    EXPECT_EQ(status::GetReason(WithPack(Gloves(), {.pack = taken}, kLater).status()),
              "PACK_NAME_TAKEN");
  }
}

TEST(WithPackTest, AFullItemTakesNewVersionsButNoNewPack) {
  Item item = Gloves();
  while (item.packs.size() < kPacksMax) {
    item.packs.push_back({.pack = absl::StrCat("p", item.packs.size()), .version = 1});
  }

  EXPECT_EQ(status::GetReason(WithPack(item, {.pack = "one-more"}, kLater).status()),
            "PACK_LIMIT_REACHED");
  EXPECT_TRUE(WithPack(item, {.pack = "bag"}, kLater).ok());
}

}  // namespace
}  // namespace quartermaster::inventory
