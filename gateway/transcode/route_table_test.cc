#include "gateway/transcode/route_table.h"

#include <gmock/gmock.h>

#include "gateway/transcode/path_template.h"
#include "gateway/transcode/percent.h"
#include "gateway/transcode/transcode_test.pb.h"

namespace quartermaster::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using Outcome = RouteMatch::Outcome;

const google::protobuf::ServiceDescriptor* ServiceNamed(const std::string& name) {
  return test::Leaf::descriptor()->file()->FindServiceByName(name);
}

RouteTable LeafRoutes() {
  absl::StatusOr<RouteTable> table = RouteTable::Make({ServiceNamed("Leaves")});
  EXPECT_TRUE(table.ok()) << table.status();
  return *std::move(table);
}

std::string MethodAt(const RouteTable& table, absl::string_view http_method,
                     absl::string_view path) {
  const RouteMatch match = table.Match(http_method, path);
  return match.route == nullptr ? "none" : match.route->method->name();
}

TEST(RouteTableTest, FindsTheMethodOfEachPath) {
  const RouteTable table = LeafRoutes();

  EXPECT_EQ(MethodAt(table, "GET", "/v1/leaves"), "ListLeaves");
  EXPECT_EQ(MethodAt(table, "POST", "/v1/leaves"), "CreateLeaf");
  EXPECT_EQ(MethodAt(table, "GET", "/v1/leaves/oak"), "GetLeaf");
  EXPECT_EQ(MethodAt(table, "PATCH", "/v1/leaves/oak"), "UpdateLeaf");
  EXPECT_EQ(MethodAt(table, "PUT", "/v1/leaves/oak"), "UpdateLeaf");
  EXPECT_EQ(MethodAt(table, "POST", "/v1/leaves/oak:turn"), "TurnLeaf");
  EXPECT_EQ(MethodAt(table, "POST", "/v1/leaves:sweep"), "SweepLeaves");
  EXPECT_EQ(MethodAt(table, "GET", "/v1/leaves/oak/veins/2"), "GetVein");
}

TEST(RouteTableTest, PrefersALiteralAndComesBackToTheWildcard) {
  const RouteTable table = LeafRoutes();

  EXPECT_EQ(MethodAt(table, "GET", "/v1/leaves/special"), "GetSpecialLeaf");
  EXPECT_EQ(MethodAt(table, "GET", "/v1/leaves/special/veins/2"), "GetVein");
  EXPECT_EQ(MethodAt(table, "POST", "/v1/leaves/special:turn"), "TurnLeaf");
}

TEST(RouteTableTest, BindsVariablesOverTheirSegments) {
  const RouteTable table = LeafRoutes();

  EXPECT_THAT(table.Match("GET", "/v1/leaves/oak/veins/2").variables,
              ElementsAre(Pair("name", "leaves/oak/veins/2")));
  EXPECT_THAT(table.Match("PATCH", "/v1/leaves/oak").variables,
              ElementsAre(Pair("leaf.name", "leaves/oak")));
  EXPECT_THAT(table.Match("POST", "/v1/leaves/oak:turn").variables,
              ElementsAre(Pair("name", "leaves/oak")));
}

TEST(RouteTableTest, DecodesEachSegmentOnce) {
  const RouteTable table = LeafRoutes();

  EXPECT_THAT(table.Match("GET", "/v1/leaves/%E6%A9%A1").variables,
              ElementsAre(Pair("name", "leaves/橡")));
  EXPECT_THAT(table.Match("GET", "/v1/leaves/%2541").variables,
              ElementsAre(Pair("name", "leaves/%41")));
  EXPECT_THAT(table.Match("GET", "/v1/leaves/a%3Aturn").variables,
              ElementsAre(Pair("name", "leaves/a:turn")));
  EXPECT_THAT(table.Match("GET", "/v1/leaves/a+b").variables,
              ElementsAre(Pair("name", "leaves/a+b")));
  EXPECT_EQ(MethodAt(table, "GET", "/v1/%6Ceaves/oak"), "GetLeaf");
}

TEST(RouteTableTest, RefusesPathsThatCouldMeanTwoThings) {
  const RouteTable table = LeafRoutes();

  for (const absl::string_view path :
       {"/v1/leaves/a%2Fveins%2F2", "/v1/leaves/a%2fb", "/v1/leaves/..", "/v1/leaves/%2e%2E",
        "/v1/leaves/./veins/2", "/v1/leaves/%", "/v1/leaves/%4", "/v1/leaves/%zz", "/v1/leaves/%00",
        "/v1/leaves/a%0d%0ab", "/v1/leaves/%ff", "/v1/leaves/%C0%AF", "v1/leaves", ""}) {
    EXPECT_EQ(table.Match("GET", path).outcome, Outcome::kMalformed) << path;
  }
}

TEST(RouteTableTest, DoesNotFindWhatIsAlmostAPath) {
  const RouteTable table = LeafRoutes();

  for (const absl::string_view path :
       {"/v1/leaves/", "/v1//leaves", "/v1/leaves//veins/2", "/v1", "/", "/v1/leaves/oak:twist",
        "/v1/leaves/oak/veins", "/v2/leaves", "/v1/Leaves"}) {
    EXPECT_EQ(table.Match("GET", path).outcome, Outcome::kNotFound) << path;
  }
}

TEST(RouteTableTest, NamesTheNearestRoute) {
  const RouteTable table = LeafRoutes();

  EXPECT_EQ(table.Match("GET", "/v1/leafs").nearest, "GET /v1/leaves");
  EXPECT_EQ(table.Match("POST", "/v1/leaves/an-old-oak:tunr").nearest,
            "POST /v1/{name=leaves/*}:turn");
  EXPECT_EQ(table.Match("GET", "/v1/leaves/oak/vein/2").nearest, "GET /v1/{name=leaves/*/veins/*}");
  EXPECT_EQ(table.Match("GET", "/something/else/entirely").nearest, "");
}

TEST(RouteTableTest, TellsWhichMethodsAPathAllows) {
  const RouteMatch match = LeafRoutes().Match("DELETE", "/v1/leaves/oak");

  EXPECT_EQ(match.outcome, Outcome::kMethodNotAllowed);
  EXPECT_THAT(match.allow, ElementsAre("GET", "PATCH", "PUT"));
}

TEST(RouteTableTest, SurvivesVeryLongPaths) {
  const RouteTable table = LeafRoutes();
  std::string path;
  for (int i = 0; i < 4000; ++i) path += "/a";

  EXPECT_EQ(table.Match("GET", path).outcome, Outcome::kNotFound);
}

TEST(RouteTableTest, RefusesRulesThatCannotBeServed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"SameRequestTwice", "is the same request as that of"},
      {"NoRule", "has no google.api.http option"},
      {"BadVariable", "page_size is not a string"},
      {"UnknownVariable", "has no singular field leaf.nmae"},
      {"BodyField", "only body \"*\""},
      {"Stream", "streams of requests are not served"},
  };
  for (const auto& [service, why] : cases) {
    const absl::Status refusal = RouteTable::Make({ServiceNamed(service)}).status();
    EXPECT_EQ(refusal.code(), absl::StatusCode::kInvalidArgument) << service;
    EXPECT_THAT(std::string(refusal.message()), HasSubstr(why)) << service;
  }
}

TEST(PathTemplateTest, TakesTheGrammarApart) {
  const absl::StatusOr<PathTemplate> path =
      PathTemplate::Parse("/v1/{unit=units/*}/stock/{item}:move");

  ASSERT_TRUE(path.ok()) << path.status();
  EXPECT_THAT(path->segments, ElementsAre("v1", "units", "*", "stock", "*"));
  EXPECT_EQ(path->verb, "move");
  ASSERT_EQ(path->variables.size(), 2u);
  EXPECT_EQ(path->variables[0].field_path, "unit");
  EXPECT_EQ(path->variables[0].begin, 1u);
  EXPECT_EQ(path->variables[0].end, 3u);
  EXPECT_EQ(path->variables[1].begin, 4u);
}

TEST(PathTemplateTest, RefusesWhatItDoesNotKnow) {
  for (const absl::string_view text :
       {"", "v1", "/", "/v1/", "/v1//x", "/v1/**", "/v1/{name=**}", "/v1/{name", "/v1/{=x}",
        "/v1/{a=x}b", "/v1/x:", "/v1/x:y:z", "/v1/a b", "/v1/%41", "/v1/{a={b}}"}) {
    EXPECT_FALSE(PathTemplate::Parse(text).ok()) << text;
  }
}

TEST(PercentDecodeTest, DecodesOnceOrNotAtAll) {
  EXPECT_EQ(PercentDecode("a%20b+c"), "a b+c");
  EXPECT_EQ(PercentDecode("a%20b+c", /*plus_is_space=*/true), "a b c");
  EXPECT_EQ(PercentDecode("%2B", /*plus_is_space=*/true), "+");
  EXPECT_EQ(PercentDecode("%252F"), "%2F");
  EXPECT_EQ(PercentDecode("%E7%B2%AE"), "粮");
  for (const absl::string_view text :
       {"%", "%1", "%g1", "% 1", "%+1", "%-1", "a%", "%E7%B2", "%ED%A0%80", "%00", "%0a", "%7f"}) {
    EXPECT_EQ(PercentDecode(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace quartermaster::gateway
