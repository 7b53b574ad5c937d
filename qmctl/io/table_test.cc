#include "qmctl/io/table.h"

#include <gtest/gtest.h>

#include <limits>

#include "qmctl/io/display.h"

namespace quartermaster::qmctl {
namespace {

struct WidthCase {
  std::string name;
  std::string text;
  int width;
};

class DisplayWidthTest : public testing::TestWithParam<WidthCase> {};

TEST_P(DisplayWidthTest, CountsColumns) {
  EXPECT_EQ(DisplayWidth(GetParam().text), GetParam().width);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, DisplayWidthTest,
    testing::Values(WidthCase{"Empty", "", 0}, WidthCase{"Ascii", "N95", 3},
                    WidthCase{"Chinese", "口罩", 4}, WidthCase{"Mixed", "N95 口罩", 8},
                    WidthCase{"FullWidthComma", "，", 2}, WidthCase{"Combining", "e\xcc\x81", 1},
                    WidthCase{"Emoji", "😷", 2}, WidthCase{"RareCharacter", "𠀀", 2},
                    WidthCase{"BrokenByte", "a\xff", 2}),
    [](const auto& test) { return test.param.name; });

TEST(RenderTableTest, LinesUpChineseByDisplayWidth) {
  const Table table{.columns = {{.title = "单位"}, {.title = "口罩", .is_number = true}},
                    .rows = {{"东坡分局", "1,200"}, {"SWAT", "7"}}};

  EXPECT_EQ(RenderTable(table),
            "单位       口罩\n"
            "东坡分局  1,200\n"
            "SWAT          7\n");
}

TEST(RenderTableTest, ShowsControlCharactersAsEscapes) {
  const Table table{.columns = {{.title = "note"}}, .rows = {{"a\x1b[31m\nb\xe2\x80\xae"}}};

  EXPECT_EQ(RenderTable(table), "note\na\\x1b[31m\\x0ab\\u202e\n");
}

TEST(RenderTableTest, EndsNoLineInBlanks) {
  const Table table{.columns = {{.title = "a"}, {.title = "b"}}, .rows = {{"long", ""}}};

  EXPECT_EQ(RenderTable(table), "a     b\nlong\n");
}

TEST(CutToWidthTest, CutsBetweenCharacters) {
  EXPECT_EQ(CutToWidth("东坡分局", 8), "东坡分局");
  EXPECT_EQ(CutToWidth("东坡分局", 7), "东坡分…");
  EXPECT_EQ(CutToWidth("东坡分局", 6), "东坡…");
}

TEST(RenderCountTest, GroupsByThrees) {
  EXPECT_EQ(RenderCount(0), "0");
  EXPECT_EQ(RenderCount(999), "999");
  EXPECT_EQ(RenderCount(1000), "1,000");
  EXPECT_EQ(RenderCount(-938000), "-938,000");
  EXPECT_EQ(RenderCount(-100), "-100");
  EXPECT_EQ(RenderCount(std::numeric_limits<int64_t>::min()), "-9,223,372,036,854,775,808");
}

}  // namespace
}  // namespace quartermaster::qmctl
