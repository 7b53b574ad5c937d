#include "platform/rpc/page_token.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"

namespace quartermaster::rpc {
namespace {

TEST(PageSizeTest, HasADefaultAMaximumAndNoNegatives) {
  const PageSizes sizes = {.default_size = 50, .size_max = 200};
  FieldErrors errors;
  EXPECT_EQ(ParsePageSize(0, sizes, errors), 50);
  EXPECT_EQ(ParsePageSize(1, sizes, errors), 1);
  EXPECT_EQ(ParsePageSize(200, sizes, errors), 200);
  EXPECT_EQ(ParsePageSize(2'000'000'000, sizes, errors), 200);
  EXPECT_TRUE(errors.is_empty());
  ParsePageSize(-1, sizes, errors);
  EXPECT_EQ(errors.violations().size(), 1u);
}

TEST(PageTokenTest, GoesThereAndBack) {
  FieldErrors errors;
  const std::string position("units/east\0\xFF", 12);
  const std::string token = MakePageToken("ListUnits root=units/a", position);
  EXPECT_EQ(ParsePageToken(token, "ListUnits root=units/a", errors), position);
  EXPECT_EQ(ParsePageToken("", "ListUnits root=units/a", errors), "");
  EXPECT_TRUE(errors.is_empty());
}

TEST(PageTokenTest, RefusesATokenOfAnotherQuery) {
  const std::string token = MakePageToken("ListUnits root=units/a", "units/east");
  std::string changed;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(token, &changed));
  changed.back() = 'x';
  const struct {
    const char* name;
    std::string token;
    std::string query;
  } cases[] = {
      {"another query", token, "ListUnits root=units/b"},
      {"changed position", absl::WebSafeBase64Escape(changed), "ListUnits root=units/a"},
      {"not base64", "%%%", "ListUnits root=units/a"},
      {"too short", "AAAA", "ListUnits root=units/a"},
      {"too long", std::string(100'000, 'A'), "ListUnits root=units/a"},
  };
  for (const auto& c : cases) {
    FieldErrors errors;
    EXPECT_EQ(ParsePageToken(c.token, c.query, errors), "") << c.name;
    ASSERT_EQ(errors.violations().size(), 1u) << c.name;
    EXPECT_EQ(errors.violations()[0].field, "page_token");
  }
}

}  // namespace
}  // namespace quartermaster::rpc
