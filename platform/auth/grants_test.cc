#include "platform/auth/grants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace quartermaster::auth {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(RoleGrantsTest, ReadsWhatItWrites) {
  const std::vector<RoleGrant> grants = {
      {.role = "dispatcher", .unit = "units/east-bureau"},
      {.role = "auditor",
       .unit = "units/a",
       .end_time = absl::FromUnixSeconds(1'790'000'000) + absl::Microseconds(125)}};

  const auto read = ParseRoleGrants(RenderRoleGrants(grants));

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, grants);
}

TEST(RoleGrantsTest, RefusesWhatCouldMeanSomethingElse) {
  const struct {
    const char* name;
    const char* json;
    const char* why;
  } kRows[] = {
      {"not an array", R"({"role":"a","unit":"units/a"})", "array"},
      {"not an object", R"(["dispatcher@units/a"])", "object"},
      {"no role", R"([{"unit":"units/a"}])", "role"},
      {"role in capitals", R"([{"role":"Dispatcher","unit":"units/a"}])", "role"},
      {"role a list", R"([{"role":["dispatcher"],"unit":"units/a"}])", "role"},
      {"no unit", R"([{"role":"a"}])", "unit"},
      {"unit without its collection", R"([{"role":"a","unit":"east"}])", "unit"},
      {"unit empty", R"([{"role":"a","unit":"units/"}])", "unit"},
      {"every unit", R"([{"role":"a","unit":"units/-"}])", "unit"},
      {"a wildcard", R"([{"role":"a","unit":"units/*"}])", "unit"},
      {"a location", R"([{"role":"a","unit":"units/a/locations/b"}])", "unit"},
      {"unit ends with a hyphen", R"([{"role":"a","unit":"units/a-"}])", "unit"},
      {"a restriction that we do not know", R"([{"role":"a","unit":"units/a","only":"reads"}])",
       "member"},
      {"end without a zone", R"([{"role":"a","unit":"units/a","end":"2026-09-30T16:00:00"}])",
       "end"},
      {"end elsewhere", R"([{"role":"a","unit":"units/a","end":"2026-09-30T16:00:00+08:00"}])",
       "end"},
      {"end a number", R"([{"role":"a","unit":"units/a","end":1790000000}])", "end"},
      {"end null", R"([{"role":"a","unit":"units/a","end":null}])", "end"},
      {"no end at all, in words", R"([{"role":"a","unit":"units/a","end":"infinite-future"}])",
       "end"},
      {"end with a space", R"([{"role":"a","unit":"units/a","end":" 2026-09-30T16:00:00Z"}])",
       "end"},
      {"end on no day", R"([{"role":"a","unit":"units/a","end":"2026-02-30T16:00:00Z"}])", "end"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);

    const auto grants = ParseRoleGrants(Json::parse(row.json));

    ASSERT_FALSE(grants.ok());
    EXPECT_THAT(std::string(grants.status().message()), HasSubstr(row.why));
  }
}

TEST(RoleAtUnitTest, ReadsTheShortForm) {
  const auto grant = ParseRoleAtUnit("unit-quartermaster@units/east-bureau");

  ASSERT_TRUE(grant.ok()) << grant.status();
  EXPECT_EQ(*grant, (RoleGrant{.role = "unit-quartermaster", .unit = "units/east-bureau"}));
  for (const char* text : {"", "@", "dispatcher", "dispatcher@", "dispatcher@east-bureau",
                           "@units/a", "a@b@units/a", "dispatcher@units/a "}) {
    EXPECT_FALSE(ParseRoleAtUnit(text).ok()) << text;
  }
}

TEST(IdTest, HasBounds) {
  for (const char* id : {"a", "a1", "a-b", "a--b"}) EXPECT_TRUE(IsId(id)) << id;
  EXPECT_TRUE(IsId(std::string(63, 'a')));
  EXPECT_FALSE(IsId(std::string(64, 'a')));
  for (const char* id : {"", "1a", "-a", "a-", "A", "a_b", "a.b", "a/b", "é"}) {
    EXPECT_FALSE(IsId(id)) << id;
  }
}

}  // namespace
}  // namespace quartermaster::auth
