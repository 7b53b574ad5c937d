#include "qmctl/commands/lines.h"

#include <gtest/gtest.h>

namespace quartermaster::qmctl {
namespace {

struct LotAmountCase {
  std::string name;
  std::string word;
  // Empty for what is refused.
  std::string lot;
  int64_t amount = 0;
  std::string unit = "";
};

class ParseLotAmountTest : public testing::TestWithParam<LotAmountCase> {};

TEST_P(ParseLotAmountTest, ReadsOrRefuses) {
  const absl::StatusOr<LotAmount> parsed = ParseLotAmount(GetParam().word);

  ASSERT_EQ(parsed.ok(), !GetParam().lot.empty()) << parsed.status();
  if (!parsed.ok()) return;
  EXPECT_EQ(parsed->lot, GetParam().lot);
  EXPECT_EQ(parsed->quantity.amount(), GetParam().amount);
  EXPECT_EQ(parsed->quantity.unit(), GetParam().unit);
}

INSTANTIATE_TEST_SUITE_P(
    Words, ParseLotAmountTest,
    testing::Values(LotAmountCase{"Short", "mask/s-1=200", "items/mask/lots/s-1", 200},
                    LotAmountCase{"Full", "items/mask/lots/s-1=2", "items/mask/lots/s-1", 2},
                    LotAmountCase{"WithUnit", "mask/s-1=2:box50", "items/mask/lots/s-1", 2,
                                  "box50"},
                    LotAmountCase{"Largest", "mask/s-1=9223372036854775807", "items/mask/lots/s-1",
                                  9223372036854775807},
                    LotAmountCase{"Zero", "mask/s-1=0", ""},
                    LotAmountCase{"Negative", "mask/s-1=-2", ""},
                    LotAmountCase{"Plus", "mask/s-1=+2", ""},
                    LotAmountCase{"TooLarge", "mask/s-1=9223372036854775808", ""},
                    LotAmountCase{"NoAmount", "mask/s-1", ""}, LotAmountCase{"NoLot", "mask=2", ""},
                    LotAmountCase{"BadLot", "Mask/s-1=2", ""}, LotAmountCase{"Empty", "", ""}),
    [](const auto& test) { return test.param.name; });

TEST(ParseLineAmountsTest, ReadsAmountsByName) {
  const absl::StatusOr<LineAmounts> parsed =
      ParseLineAmounts("2:accepted=90,short=10", {"accepted", "damaged", "short"});

  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->line, 2);
  EXPECT_EQ(parsed->amounts, (std::map<std::string, int64_t>{{"accepted", 90}, {"short", 10}}));
}

TEST(ParseLineAmountsTest, RefusesWhatItDoesNotKnow) {
  for (const char* word : {"", "2", "2:", "0:accepted=1", "x:accepted=1", "2:taken=1",
                           "2:accepted=-1", "2:accepted=1,accepted=1", "201:accepted=1"}) {
    EXPECT_FALSE(ParseLineAmounts(word, {"accepted", "short"}).ok()) << word;
  }
}

TEST(ShortenTest, LeavesTheIds) {
  EXPECT_EQ(Shorten("units/east"), "east");
  EXPECT_EQ(Shorten("units/east/locations/store"), "east/store");
  EXPECT_EQ(Shorten(""), "");
}

}  // namespace
}  // namespace quartermaster::qmctl
