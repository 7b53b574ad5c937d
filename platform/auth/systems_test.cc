#include "platform/auth/systems.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace quartermaster::auth {
namespace {

using ::testing::HasSubstr;

TEST(SystemsTest, FindsASystemByItsWholeSpiffeId) {
  const auto systems = Systems::Parse(
      R"({"spiffe://q/systems/province": {"name": "systems/province",
            "grants": [{"role": "integrator", "unit": "units/a", "end": "2026-09-30T16:00:00Z"}]},
          "spiffe://q/systems/other": {"name": "systems/other", "grants": []}})",
      Roles::BuiltIn());
  ASSERT_TRUE(systems.ok()) << systems.status();

  const base::Caller* province = systems->Find("spiffe://q/systems/province");

  ASSERT_NE(province, nullptr);
  EXPECT_EQ(province->name, "systems/province");
  ASSERT_EQ(province->grants.size(), 1u);
  EXPECT_EQ(province->grants[0].unit, "units/a");
  EXPECT_TRUE(province->grants[0].permissions->contains("ledger.post"));
  EXPECT_LT(province->grants[0].end_time, absl::InfiniteFuture());
  for (const char* id : {"", "spiffe://q/systems", "spiffe://q/systems/province/",
                         "spiffe://Q/systems/province", "systems/province"}) {
    EXPECT_EQ(systems->Find(id), nullptr) << id;
  }
}

TEST(SystemsTest, RefusesMalformedFiles) {
  const struct {
    const char* name;
    const char* json;
    const char* why;
  } kRows[] = {
      {"not JSON", "{", "not JSON"},
      {"an array", "[]", "object"},
      {"not a SPIFFE id", R"({"q":{"name":"systems/a","grants":[]}})", "spiffe://"},
      {"twice", R"({"spiffe://q":{},"spiffe://q":{}})", "twice"},
      {"no grants", R"({"spiffe://q":{"name":"systems/a"}})", "grants"},
      {"a person's name", R"({"spiffe://q":{"name":"persons/lin","grants":[]}})", "name"},
      {"no name", R"({"spiffe://q":{"title":"a","grants":[]}})", "name"},
      {"a member that we do not know",
       R"({"spiffe://q":{"name":"systems/a","grants":[],"until":"2026"}})", "nothing else"},
      {"a role that there is not",
       R"({"spiffe://q":{"name":"systems/a","grants":[{"role":"tailor","unit":"units/a"}]}})",
       "tailor"},
      {"two of one name",
       R"({"spiffe://q":{"name":"systems/a","grants":[]},
           "spiffe://p":{"name":"systems/a","grants":[]}})",
       "two systems"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);

    const auto systems = Systems::Parse(row.json, Roles::BuiltIn());

    ASSERT_FALSE(systems.ok());
    EXPECT_THAT(std::string(systems.status().message()), HasSubstr(row.why));
  }
}

}  // namespace
}  // namespace quartermaster::auth
