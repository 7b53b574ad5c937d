#include "gateway/transcode/request_binder.h"

#include <gmock/gmock.h>

#include "gateway/transcode/transcode_test.pb.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

using status::FieldViolation;
using test::GetLeafRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class BindRequestTest : public ::testing::Test {
 protected:
  BindRequestTest()
      : table_(*RouteTable::Make({test::Leaf::descriptor()->file()->FindServiceByName("Leaves")})) {
  }

  absl::StatusOr<GetLeafRequest> Bind(absl::string_view http_method, absl::string_view path,
                                      absl::string_view query, absl::string_view body) {
    auto bound = BindRequest(table_.Match(http_method, path), query, body);
    if (!bound.ok()) return bound.status();
    return static_cast<const GetLeafRequest&>(**bound);
  }

  std::vector<FieldViolation> Violations(absl::string_view http_method, absl::string_view path,
                                         absl::string_view query, absl::string_view body) {
    const auto bound = Bind(http_method, path, query, body);
    EXPECT_EQ(bound.status().code(), absl::StatusCode::kInvalidArgument) << query << body;
    return status::GetErrorDetail(bound.status()).field_violations;
  }

  const RouteTable table_;
};

TEST_F(BindRequestTest, BindsParametersOfEveryKind) {
  const auto bound =
      Bind("GET", "/v1/leaves/oak",
           "leaf.amount=-9223372036854775808&tags=a&tags=b+c%26d&colors=RED&colors=2&pageSize=7&"
           "big=9007199254740993&start_time=2026-02-03T08:00:00%2B08:00&is_red=true&token=YQ%3D%3D",
           "");

  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_EQ(bound->name(), "leaves/oak");
  EXPECT_EQ(bound->leaf().amount(), INT64_MIN);
  EXPECT_THAT(bound->tags(), ElementsAre("a", "b c&d"));
  EXPECT_THAT(bound->colors(), ElementsAre(test::RED, test::GREEN));
  EXPECT_EQ(bound->page_size(), 7);
  EXPECT_EQ(bound->big(), 9007199254740993);
  EXPECT_EQ(bound->start_time().seconds(), 1770076800);
  EXPECT_TRUE(bound->is_red());
  EXPECT_EQ(bound->token(), "a");
}

TEST_F(BindRequestTest, NamesAnUnknownParameterAndTheNearestKnownOne) {
  const auto violations = Violations("GET", "/v1/leaves", "page_sise=7&leaf.nmae=x&zzz=1", "");

  ASSERT_THAT(violations, SizeIs(3));
  EXPECT_EQ(violations[0].field, "page_sise");
  EXPECT_THAT(violations[0].description, HasSubstr("did you mean \"page_size\"?"));
  EXPECT_THAT(violations[1].description, HasSubstr("did you mean \"name\"?"));
  EXPECT_THAT(violations[2].description, HasSubstr("there are name, leaf, tags"));
}

TEST_F(BindRequestTest, RefusesParametersThatCannotBe) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"name=leaves/elm", "is given by the path already"},
      {"big=1&big=1", "is given twice"},
      {"page_size=1&pageSize=1", "is given twice"},
      {"page_size=x", "is not a number"},
      {"page_size=", "is not a number"},
      {"page_size", "is not a number"},
      {"page_size=2147483648", "is not between"},
      {"is_red=yes", "must be true or false"},
      {"colors=PINK", "is not a value of Color"},
      {"leaf=x", "is a message: name one of its fields"},
      {"leaves=x", "is a message: name one of its fields"},
      {"leaves.name=x", "has no fields that a parameter could set"},
      {"start_time.seconds=1", "has no fields that a parameter could set"},
      {"tags.x=1", "has no fields that a parameter could set"},
      {"start_time=now", "is not a time"},
      {"token=***", "is not base64"},
      {"tags=%ff", "is not percent-encoded UTF-8 text"},
      {"tags=%0a", "is not percent-encoded UTF-8 text"},
      {"=x", "no such parameter"},
      {"leaf.=x", "no such parameter"},
      {".=x", "no such parameter"},
  };
  for (const auto& [query, why] : cases) {
    const auto violations = Violations("GET", "/v1/leaves/oak", query, "");
    ASSERT_THAT(violations, SizeIs(1)) << query;
    EXPECT_THAT(violations[0].description, HasSubstr(why)) << query;
  }
}

TEST_F(BindRequestTest, BoundsTheNumberOfParameters) {
  std::string query;
  for (int i = 0; i < 1000; ++i) query += "tags=a&";
  EXPECT_THAT(Violations("GET", "/v1/leaves", query, ""), SizeIs(1));
}

TEST_F(BindRequestTest, TakesTheBodyAndThePathTogether) {
  const auto bound =
      Bind("PATCH", "/v1/leaves/oak", "", R"({"leaf": {"amount": "5"}, "tags": ["a"]})");

  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_EQ(bound->leaf().name(), "leaves/oak");
  EXPECT_EQ(bound->leaf().amount(), 5);
}

TEST_F(BindRequestTest, LetsTheBodyRepeatThePathButNotContradictIt) {
  EXPECT_TRUE(Bind("POST", "/v1/leaves/oak:turn", "", R"({"name": "leaves/oak"})").ok());
  EXPECT_THAT(Violations("POST", "/v1/leaves/oak:turn", "", R"({"name": "leaves/elm"})"),
              ElementsAre(FieldViolation{
                  "name", "is \"leaves/elm\" in the body and \"leaves/oak\" in the path"}));
}

TEST_F(BindRequestTest, KeepsBodyAndParametersApart) {
  EXPECT_TRUE(Bind("POST", "/v1/leaves", "", "").ok());
  EXPECT_THAT(Violations("POST", "/v1/leaves", "page_size=1", "{}"), SizeIs(1));
  EXPECT_THAT(Violations("GET", "/v1/leaves", "", "{}"), SizeIs(1));
}

}  // namespace
}  // namespace quartermaster::gateway
