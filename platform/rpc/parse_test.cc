#include "platform/rpc/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quartermaster/type/v1/options.pb.h"

namespace quartermaster::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string OnlyDescription(const FieldErrors& errors) {
  return errors.violations().size() == 1 ? errors.violations()[0].description : "not one error";
}

TEST(FieldErrorsTest, ListsEverythingInOneStatus) {
  FieldErrors errors;
  EXPECT_EQ(errors.ToStatus(), absl::OkStatus());

  errors.Add("lines[2].lot", "is required");
  errors.Add("note", "is too long");

  const absl::Status status = errors.ToStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status::GetReason(status), "INVALID_FIELD");
  EXPECT_THAT(status::GetErrorDetail(status).field_violations,
              ElementsAre(status::FieldViolation{"lines[2].lot", "is required"},
                          status::FieldViolation{"note", "is too long"}));
}

TEST(FieldPathTest, RendersPaths) {
  EXPECT_EQ(FieldPath(ElementPath("lines", 2), "lot"), "lines[2].lot");
  EXPECT_EQ(FieldPath("", "lot"), "lot");
}

TEST(QuotedTest, ShowsNothingUnprintableAndNothingLong) {
  EXPECT_EQ(Quoted("粮草"), "\"粮草\"");
  EXPECT_EQ(Quoted("a\n\"b"), "\"a\\n\\\"b\"");
  EXPECT_EQ(Quoted(std::string(101, 'x')), "\"" + std::string(100, 'x') + "…\"");
}

TEST(ResourceIdTest, AcceptsAndRefuses) {
  for (const char* id : {"a", "a1", "n95-mask", "a--b"}) EXPECT_TRUE(IsResourceId(id)) << id;
  EXPECT_TRUE(IsResourceId(std::string(63, 'a')));
  for (const char* id : {"", "1a", "-a", "a-", "A", "a_b", "a.b", "a b", "a/b", "é"}) {
    EXPECT_FALSE(IsResourceId(id)) << id;
  }
  EXPECT_FALSE(IsResourceId(std::string(64, 'a')));
  EXPECT_FALSE(IsResourceId(absl::string_view("a\0b", 3)));

  FieldErrors errors;
  EXPECT_EQ(ParseResourceId("unit_id", "A", errors), "");
  EXPECT_THAT(OnlyDescription(errors), HasSubstr("\"A\" is not an id"));
}

TEST(NameTest, TakesNamesApart) {
  constexpr char kPattern[] = "units/{unit}/locations/{location}";
  EXPECT_THAT(*MatchName(kPattern, "units/east/locations/depot-1"), ElementsAre("east", "depot-1"));
  for (const char* name : {"", "units/east", "units/east/locations/", "units//locations/depot",
                           "unit/east/locations/depot", "units/east/locations/depot/",
                           "/units/east/locations/depot", "units/EAST/locations/depot",
                           "units/{unit}/locations/{location}", "units/../locations/depot"}) {
    EXPECT_EQ(MatchName(kPattern, name), std::nullopt) << name;
  }
  EXPECT_EQ(MakeName(kPattern, {"east", "depot-1"}), "units/east/locations/depot-1");
}

TEST(NameTest, ReturnsAsManyEmptyIdsAsThePatternHas) {
  FieldErrors errors;

  EXPECT_THAT(ParseName("source", "units/{unit}/locations/{location}", "x", errors),
              ElementsAre("", ""));

  EXPECT_THAT(OnlyDescription(errors),
              HasSubstr("\"x\" is not of the form units/{unit}/locations/{location}, with ids of "
                        "a-z, 0-9 and -"));
}

TEST(NameTest, EndsInAUuidWhereOneIsAskedFor) {
  constexpr char kUuid[] = "0190a3c8-0000-7000-8000-000000000001";
  FieldErrors errors;
  EXPECT_EQ(ParseUuidName("name", "movements", absl::StrCat("movements/", kUuid), errors),
            *base::Uuid::Parse(kUuid));
  EXPECT_TRUE(errors.is_empty());
  for (const char* name :
       {kUuid, "movements/", "movements/7", "transfers/0190a3c8-0000-7000-8000-000000000001"}) {
    FieldErrors broken;
    ParseUuidName("name", "movements", name, broken);
    EXPECT_THAT(OnlyDescription(broken), HasSubstr("is not of the form movements/{uuid}")) << name;
  }
}

TEST(UuidFieldTest, RefusesTheNilUuid) {
  FieldErrors errors;

  EXPECT_FALSE(ParseUuid("request_id", "018f3b5e-7a1c-7d2e-9b3f-2a6c1d4e5f60", errors).is_nil());
  EXPECT_TRUE(errors.is_empty());
  ParseUuid("request_id", "00000000-0000-0000-0000-000000000000", errors);
  ParseUuid("request_id", "", errors);

  EXPECT_EQ(errors.violations().size(), 2u);
}

TEST(TimestampTest, ChecksRangesAndCutsBelowTheMicrosecond) {
  const auto timestamp = [](int64_t seconds, int32_t nanos) {
    google::protobuf::Timestamp value;
    value.set_seconds(seconds);
    value.set_nanos(nanos);
    return value;
  };
  FieldErrors errors;
  EXPECT_EQ(ParseTimestamp("t", timestamp(1, 1999), {}, errors), absl::FromUnixMicros(1'000'001));
  EXPECT_EQ(ParseTimestamp("t", timestamp(253402300799, 0), {}, errors),
            absl::FromUnixSeconds(253402300799));
  EXPECT_TRUE(errors.is_empty());

  const struct {
    const char* name;
    google::protobuf::Timestamp value;
  } cases[] = {{"nanos negative", timestamp(1, -1)},
               {"nanos a second", timestamp(1, 1'000'000'000)},
               {"before 1970", timestamp(-1, 0)},
               {"after 9999", timestamp(253402300800, 0)},
               {"smallest number", timestamp(std::numeric_limits<int64_t>::min(), 0)},
               {"largest number", timestamp(std::numeric_limits<int64_t>::max(), 0)}};
  for (const auto& c : cases) {
    FieldErrors refused;
    ParseTimestamp("t", c.value, {}, refused);
    EXPECT_FALSE(refused.is_empty()) << c.name;
  }
}

TEST(TimestampTest, RendersWhatItParsed) {
  for (const int64_t micros : {int64_t{0}, int64_t{1}, int64_t{1'763'763'221'123'456}}) {
    FieldErrors errors;
    const absl::Time time = absl::FromUnixMicros(micros);
    EXPECT_EQ(ParseTimestamp("t", RenderTimestamp(time), {}, errors), time);
    EXPECT_TRUE(errors.is_empty());
  }
  EXPECT_EQ(RenderTimestamp(absl::FromUnixMicros(-1)).nanos(), 999'999'000);
}

TEST(DateTest, TakesDaysThatExistAndNothing) {
  for (const char* date : {"", "1900-01-01", "2020-02-29", "9998-12-31"}) {
    FieldErrors errors;
    EXPECT_EQ(ParseOptionalDate("expiry_date", date, errors), date);
    EXPECT_TRUE(errors.is_empty()) << date;
  }
  for (const char* date :
       {"2019-02-29", "2020-2-29", "20200229", "1899-12-31", "9999-01-01", "soon"}) {
    FieldErrors errors;
    ParseOptionalDate("expiry_date", date, errors);
    EXPECT_THAT(OnlyDescription(errors), HasSubstr("YYYY-MM-DD")) << date;
  }
}

TEST(EnumTest, RefusesWhatIsUnspecifiedOrUnknownAndTellsWhatIsKnown) {
  enum class Class { kUnspecified, kRead, kWrite };
  FieldErrors errors;
  EXPECT_EQ(ParseEnumValue<Class>("class", type::v1::WRITE, errors), Class::kWrite);
  EXPECT_EQ(ParseEnumValue("class", type::v1::CALL_CLASS_UNSPECIFIED, Class::kRead, errors),
            Class::kRead);
  EXPECT_TRUE(errors.is_empty());
  const auto description = [](int number) {
    FieldErrors broken;
    ParseEnumValue<Class>("class", static_cast<type::v1::CallClass>(number), broken);
    return OnlyDescription(broken);
  };
  EXPECT_EQ(description(0), "is required: one of READ, WRITE, POSTING, REPORT");
  EXPECT_EQ(description(-1), "-1 is not known here: one of READ, WRITE, POSTING, REPORT");
}

TEST(TextTest, CountsCodePoints) {
  FieldErrors errors;
  EXPECT_EQ(ParseText("title", "清河派出所", {.length_max = 5}, errors), "清河派出所");
  EXPECT_TRUE(errors.is_empty());
  ParseText("title", "清河派出所!", {.length_max = 5}, errors);
  EXPECT_THAT(OnlyDescription(errors), HasSubstr("6 characters; between 0 and 5"));
}

TEST(TextTest, RefusesControlCharactersAndBrokenUtf8) {
  const struct {
    const char* name;
    absl::string_view text;
    const char* description;
  } cases[] = {{"line feed", "a\nb", "character 2 is a control character"},
               {"NUL", absl::string_view("\0", 1), "character 1 is a control character"},
               {"DEL", "\x7F", "character 1 is a control character"},
               {"C1", "粮\xC2\x85", "character 2 is a control character"},
               {"written to be read backwards", "50\u202E", "character 3 is a control character"},
               {"isolate", "\u2066", "character 1 is a control character"},
               {"byte order mark", "a\uFEFF", "character 2 is a control character"},
               {"broken", "粮\xFF", "byte 3 is not UTF-8"}};
  for (const auto& c : cases) {
    FieldErrors errors;
    EXPECT_EQ(ParseText("note", c.text, {}, errors), "") << c.name;
    EXPECT_EQ(OnlyDescription(errors), c.description) << c.name;
  }
  FieldErrors errors;
  EXPECT_EQ(ParseText("note", "a\n\tb", {.is_multiline = true}, errors), "a\n\tb");
  EXPECT_TRUE(errors.is_empty());
}

TEST(TextTest, SaysThatARequiredFieldIsMissing) {
  FieldErrors errors;
  ParseText("title", "", {.length_min = 1}, errors);
  EXPECT_EQ(OnlyDescription(errors), "is required");
}

TEST(IntTest, ChecksTheRange) {
  FieldErrors errors;
  EXPECT_EQ(ParseInt("n", 3, 1, 3, errors), 3);
  EXPECT_TRUE(errors.is_empty());
  ParseInt("n", 4, 1, 3, errors);
  EXPECT_EQ(OnlyDescription(errors), "4 is not between 1 and 3");
}

}  // namespace
}  // namespace quartermaster::rpc
