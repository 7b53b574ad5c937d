#include <gmock/gmock.h>

#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gateway/transcode/json_reader.h"
#include "gateway/transcode/json_writer.h"
#include "gateway/transcode/random_message.h"
#include "gateway/transcode/transcode_test.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

using google::protobuf::util::MessageDifferencer;
using status::FieldViolation;
using test::Everything;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

uint64_t Seed() {
  const char* given = std::getenv("QM_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

std::string Written(const google::protobuf::Message& message) {
  std::string json;
  const absl::Status written = WriteJson(message, json);
  EXPECT_TRUE(written.ok()) << written;
  return json;
}

std::string WrittenByOracle(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto written = google::protobuf::util::MessageToJsonString(message, &json, options);
  EXPECT_TRUE(written.ok()) << written.ToString();
  return json;
}

absl::StatusOr<Everything> Read(absl::string_view json) {
  Everything message;
  if (absl::Status read = ReadJson(json, message); !read.ok()) return read;
  return message;
}

std::vector<FieldViolation> Violations(absl::string_view json) {
  const absl::StatusOr<Everything> read = Read(json);
  EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument) << json;
  return status::GetErrorDetail(read.status()).field_violations;
}

// Empty if the two are equal.
std::string Difference(const google::protobuf::Message& a, const google::protobuf::Message& b) {
  MessageDifferencer differencer;
  std::string difference;
  differencer.ReportDifferencesToString(&difference);
  return differencer.Compare(a, b) ? "" : difference;
}

// Goal: our reader and printer mean the same as protobuf's own.
// Method: random messages. What we print, parsed as JSON, equals what json_util prints; what each
// of the two prints, the other reads back to the same message. A failure prints the seed; set
// QM_TEST_SEED to it to see the same message again.
TEST(JsonOracleTest, AgreesWithJsonUtilBothWays) {
  const uint64_t seed = Seed();
  SCOPED_TRACE(absl::StrCat("QM_TEST_SEED=", seed));
  std::mt19937_64 random(seed);
  google::protobuf::util::JsonParseOptions parse_options;
  for (int round = 0; round < 300 && !::testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    Everything message;
    FillAtRandom(random, message);

    const std::string ours = Written(message);
    const std::string theirs = WrittenByOracle(message);

    EXPECT_EQ(nlohmann::json::diff(nlohmann::json::parse(ours), nlohmann::json::parse(theirs)),
              nlohmann::json::array());
    const absl::StatusOr<Everything> read = Read(theirs);
    ASSERT_TRUE(read.ok()) << read.status() << "\n" << theirs;
    EXPECT_EQ(Difference(*read, message), "") << theirs;
    const absl::StatusOr<Everything> read_ours = Read(ours);
    ASSERT_TRUE(read_ours.ok()) << read_ours.status() << "\n" << ours;
    EXPECT_EQ(Difference(*read_ours, message), "") << ours;
    Everything read_by_oracle;
    const auto oracle =
        google::protobuf::util::JsonStringToMessage(ours, &read_by_oracle, parse_options);
    ASSERT_TRUE(oracle.ok()) << oracle.ToString() << "\n" << ours;
    EXPECT_EQ(Difference(read_by_oracle, message), "") << ours;
  }
}

// Goal: no text crashes the reader, and what it accepts means what json_util reads.
// Method: good texts with bytes changed, dropped and doubled at random.
TEST(JsonOracleTest, NeverAcceptsBrokenTextWithAnotherMeaning) {
  const uint64_t seed = Seed();
  SCOPED_TRACE(absl::StrCat("QM_TEST_SEED=", seed));
  std::mt19937_64 random(seed);
  constexpr absl::string_view kBytes = "{}[]\",:\\u0019truefalsenul.eE+- \n\xff\x00xA/";
  for (int round = 0; round < 3000; ++round) {
    Everything message;
    FillAtRandom(random, message, /*depth=*/3);
    std::string json = Written(message);
    for (uint64_t edits = 1 + random() % 3; edits > 0; --edits) {
      const size_t at = random() % json.size();
      switch (random() % 3) {
        case 0:
          json[at] = kBytes[random() % kBytes.size()];
          break;
        case 1:
          json.erase(at, 1 + random() % 3);
          break;
        default:
          json.insert(at, json.substr(random() % json.size(), random() % 6));
      }
      if (json.empty()) json = "{";
    }

    const absl::StatusOr<Everything> read = Read(json);

    if (!read.ok()) {
      EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument);
      EXPECT_NE(status::GetReason(read.status()), "");
      continue;
    }
    Everything expected;
    const auto oracle = google::protobuf::util::JsonStringToMessage(json, &expected);
    EXPECT_EQ(oracle.ok() ? Difference(*read, expected) : "", "") << json;
  }
}

TEST(JsonWriterTest, WritesZeroValuesAndLeavesAbsentOnesOut) {
  const nlohmann::json json = nlohmann::json::parse(Written(Everything{}));

  EXPECT_EQ(json["anInt64"], "0");
  EXPECT_EQ(json["anInt32"], 0);
  EXPECT_EQ(json["aBool"], false);
  EXPECT_EQ(json["aColor"], "COLOR_UNSPECIFIED");
  EXPECT_EQ(json["leaves"], nlohmann::json::array());
  EXPECT_EQ(json["textByText"], nlohmann::json::object());
  EXPECT_EQ(json["otherName"], "");
  EXPECT_FALSE(json.contains("aLeaf"));
  EXPECT_FALSE(json.contains("maybeInt32"));
  EXPECT_FALSE(json.contains("chosenText"));
}

TEST(JsonWriterTest, WritesAnUnknownEnumValueAsItsNumber) {
  Everything message;
  message.set_a_color(static_cast<test::Color>(77));
  EXPECT_EQ(nlohmann::json::parse(Written(message))["aColor"], 77);
}

TEST(JsonWriterTest, EscapesWhatCouldEndAScript) {
  std::string json;
  AppendJsonString("</script>\x01\"\\\n", json);
  EXPECT_EQ(json, "\"\\u003c/script>\\u0001\\\"\\\\\\n\"");
}

TEST(JsonWriterTest, KeepsTheBytesOfAnUnknownAny) {
  google::protobuf::Any any;
  any.set_type_url("type.googleapis.com/no.such.Type");
  any.set_value("abc");
  EXPECT_EQ(Written(any), R"({"@type":"type.googleapis.com/no.such.Type","value":"YWJj"})");
}

TEST(JsonWriterTest, RefusesTimesOutOfRange) {
  Everything message;
  message.mutable_a_time()->set_seconds(253402300800);
  std::string json;
  EXPECT_EQ(WriteJson(message, json).code(), absl::StatusCode::kInternal);
}

TEST(JsonReaderTest, TakesBothSpellingsOfANameAndNullAsAbsent) {
  const absl::StatusOr<Everything> read = Read(
      R"({"an_int32": 1, "aLeaf": {"amount": "7"}, "a_string": null, "nested": null, "otherName": "x"})");

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->an_int32(), 1);
  EXPECT_EQ(read->a_leaf().amount(), 7);
  EXPECT_FALSE(read->has_nested());
  EXPECT_EQ(read->renamed(), "x");
}

TEST(JsonReaderTest, ReadsNumbersExactly) {
  const std::vector<std::pair<std::string, int64_t>> cases = {
      {"9223372036854775807", INT64_MAX},
      {"\"9223372036854775807\"", INT64_MAX},
      {"-9223372036854775808", INT64_MIN},
      {"9007199254740993", 9007199254740993},
      {"9.007199254740993e15", 9007199254740993},
      {"90071992547409930e-1", 9007199254740993},
      {"1.0", 1},
      {"0.0", 0},
      {"-0", 0},
      {"0e999999999999", 0},
      {"1e18", 1000000000000000000},
      {"\"12\"", 12},
  };
  for (const auto& [text, value] : cases) {
    const absl::StatusOr<Everything> read = Read(absl::StrCat("{\"anInt64\": ", text, "}"));
    ASSERT_TRUE(read.ok()) << text << " " << read.status();
    EXPECT_EQ(read->an_int64(), value) << text;
  }
}

// A decimal near the largest number may lie above it and still round to it.
TEST(JsonReaderTest, ReadsTheLargestNumbersAsWritten) {
  Everything largest;
  largest.set_a_float(std::numeric_limits<float>::max());
  largest.set_a_double(std::numeric_limits<double>::max());
  std::string json;
  ASSERT_TRUE(WriteJson(largest, json).ok());
  const absl::StatusOr<Everything> read = Read(json);
  ASSERT_TRUE(read.ok()) << read.status() << json;
  EXPECT_EQ(read->a_float(), largest.a_float());
  EXPECT_EQ(read->a_double(), largest.a_double());
}

TEST(JsonReaderTest, RefusesNumbersThatDoNotFit) {
  for (const absl::string_view text :
       {"9223372036854775808", "-9223372036854775809", "1.5", "1e19", "1e999999999999999999999",
        "1e-1", "\"\"", "\" 1\"", "\"1 \"", "\"0x1\"", "\"+1\"", "\"01\"", "\"NaN\"", "true", "[]",
        "{}", "\"1_000\"", "\"１\""}) {
    EXPECT_THAT(Violations(absl::StrCat("{\"anInt64\": ", text, "}")),
                ElementsAre(::testing::Field(&FieldViolation::field, "an_int64")))
        << text;
  }
  EXPECT_FALSE(Read(R"({"anInt32": 2147483648})").ok());
  EXPECT_FALSE(Read(R"({"aUint32": -1})").ok());
  EXPECT_FALSE(Read(R"({"aUint64": "18446744073709551616"})").ok());
  EXPECT_TRUE(Read(R"({"aUint64": "18446744073709551615"})").ok());
  EXPECT_FALSE(Read(R"({"aFloat": 1e39})").ok());
  EXPECT_FALSE(Read(R"({"aFloat": 3.4028236e38})").ok());
  EXPECT_FALSE(Read(R"({"aDouble": 1e309})").ok());
}

TEST(JsonReaderTest, NamesAnUnknownFieldAndTheNearestKnownOne) {
  const std::vector<FieldViolation> violations =
      Violations(R"({"leaves": [{}, {"ammount": 1}], "colour": "RED"})");

  ASSERT_EQ(violations.size(), 2u);
  EXPECT_EQ(violations[0].field, "leaves[1].ammount");
  EXPECT_THAT(violations[0].description, HasSubstr("did you mean \"amount\"?"));
  EXPECT_EQ(violations[1].field, "colour");
}

TEST(JsonReaderTest, ListsEveryFieldOfTheWrongTypeWithItsPath) {
  const std::vector<FieldViolation> violations = Violations(
      R"({"anInt32": "x", "aBool": "true", "aString": 3, "aColor": "GREN", "aLeaf": [],
          "leaves": {}, "strings": ["a", 1, null], "aTime": "yesterday", "someBytes": "***",
          "leafByNumber": {"x": {}, "1": null}, "aDuration": 5})");

  std::vector<std::string> fields;
  for (const FieldViolation& violation : violations) fields.push_back(violation.field);
  EXPECT_THAT(fields, ElementsAre("an_int32", "a_bool", "a_string", "a_color", "a_leaf", "leaves",
                                  "strings[1]", "strings[2]", "a_time", "some_bytes",
                                  "leaf_by_number[\"x\"]", "leaf_by_number[\"1\"]", "a_duration"));
  EXPECT_THAT(violations[3].description, HasSubstr("did you mean GREEN?"));
}

TEST(JsonReaderTest, RefusesAFieldGivenTwice) {
  EXPECT_THAT(Violations(R"({"an_int32": 1, "anInt32": 1})"),
              ElementsAre(FieldViolation{"an_int32", "is given twice"}));
  EXPECT_THAT(Violations(R"({"aString": null, "aString": "x"})"),
              ElementsAre(FieldViolation{"a_string", "is given twice"}));
  EXPECT_THAT(Violations(R"({"textByText": {"a": "1", "\u0061": "2"}})"),
              ElementsAre(FieldViolation{"text_by_text[\"a\"]", "is given twice"}));
}

TEST(JsonReaderTest, RefusesTwoMembersOfAOneof) {
  EXPECT_THAT(
      Violations(R"({"chosenText": "a", "chosenNumber": 1})"),
      ElementsAre(FieldViolation{"chosen_number", "cannot be given together with chosen_text"}));
}

TEST(JsonReaderTest, RefusesTextThatIsNotJson) {
  for (const absl::string_view json : {"",
                                       " ",
                                       "null",
                                       "[]",
                                       "1",
                                       "\"x\"",
                                       "{",
                                       "}",
                                       "{]",
                                       "{\"aString\"}",
                                       "{\"aString\":}",
                                       "{\"aString\":\"x\",}",
                                       "{,}",
                                       "{\"aString\":\"x\"} {}",
                                       "{\"aString\":\"x\"}x",
                                       "{'aString':'x'}",
                                       "{aString:1}",
                                       "{\"aString\":\"\\x\"}",
                                       "{\"aString\":\"\\u12\"}",
                                       "{\"aString\":\"\\ud800\"}",
                                       "{\"aString\":\"\\ud800\\u0041\"}",
                                       "{\"aString\":\"\\udc00\"}",
                                       "{\"aString\":\"\n\"}",
                                       "{\"aString\":\"\xff\"}",
                                       "{\"aString\":\"\xc0\xaf\"}",
                                       "{\"aString\":\"\xed\xa0\x80\"}",
                                       "{\"aString\":\"x",
                                       "{\"anInt32\":01}",
                                       "{\"anInt32\":+1}",
                                       "{\"anInt32\":1.}",
                                       "{\"anInt32\":.5}",
                                       "{\"anInt32\":0x1}",
                                       "{\"aBool\":True}",
                                       "{\"aBool\":tru}",
                                       "{\"int32s\":[1,]}",
                                       "{\"int32s\":[1 2]}",
                                       "{\"aDouble\":NaN}",
                                       "{/**/}",
                                       "{\"a\":nul}",
                                       "\xef\xbb\xbf{}"}) {
    const absl::Status status = Read(json).status();
    EXPECT_EQ(status::GetReason(status), "MALFORMED_JSON") << json << " " << status;
  }
  EXPECT_EQ(status::GetReason(Read(absl::string_view("{\0}", 3)).status()), "MALFORMED_JSON");
  EXPECT_EQ(status::GetReason(Read(absl::string_view("{}\0", 3)).status()), "MALFORMED_JSON");
}

TEST(JsonReaderTest, TellsLineAndColumn) {
  const absl::Status status = Read("{\n  \"aString\": \"x\",\n  oops\n}").status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("line 3, column 3"));
}

TEST(JsonReaderTest, BoundsTheDepth) {
  const auto nested = [](int depth) {
    std::string json;
    for (int i = 1; i < depth; ++i) json += "{\"nested\":";
    json += "{}";
    for (int i = 1; i < depth; ++i) json += "}";
    return json;
  };
  EXPECT_TRUE(Read(nested(kJsonDepthMax)).ok());
  EXPECT_EQ(status::GetReason(Read(nested(kJsonDepthMax + 1)).status()), "MALFORMED_JSON");
  EXPECT_EQ(
      status::GetReason(Read(absl::StrCat("{\"x\":", std::string(100000, '['), "}")).status()),
      "MALFORMED_JSON");
}

TEST(JsonReaderTest, BoundsHowManyErrorsItLists) {
  std::string json = "{\"int32s\": [true";
  for (int i = 0; i < 1000; ++i) json += ", true";
  EXPECT_EQ(Violations(json + "]}").size(), 20u);
}

TEST(JsonReaderTest, RefusesTypesWithAFormItDoesNotKnow) {
  test::UsesStruct message;
  const absl::Status read = ReadJson(R"({"anything": {"a": 1}})", message);
  EXPECT_EQ(status::GetReason(read), "INVALID_FIELD") << read;
}

TEST(JsonReaderTest, ReadsTimes) {
  const std::vector<std::pair<std::string, int64_t>> good = {
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01T08:00:00+08:00", 0},
      {"1969-12-31T23:30:00-00:30", 0},
      {"2020-02-29T12:00:00Z", 1582977600},
      {"0001-01-01T00:00:00Z", -62135596800},
      {"9999-12-31T23:59:59.999999999Z", 253402300799},
  };
  for (const auto& [text, seconds] : good) {
    const absl::StatusOr<Everything> read = Read(absl::StrCat("{\"aTime\":\"", text, "\"}"));
    ASSERT_TRUE(read.ok()) << text << " " << read.status();
    EXPECT_EQ(read->a_time().seconds(), seconds) << text;
  }
  for (const absl::string_view text :
       {"2021-02-29T12:00:00Z", "2021-13-01T00:00:00Z", "2021-00-01T00:00:00Z",
        "2021-01-01T24:00:00Z", "2021-01-01T00:00:60Z", "2021-01-01 00:00:00Z",
        "2021-01-01T00:00:00", "2021-01-01T00:00:00.Z", "2021-01-01T00:00:00.1234567890Z",
        "2021-01-01T00:00:00+8:00", "2021-01-01T00:00:00+24:00", "0000-12-31T00:00:00Z",
        "0001-01-01T00:00:00+01:00", "10000-01-01T00:00:00Z", "2021-01-01T00:00:00Z ", ""}) {
    EXPECT_FALSE(Read(absl::StrCat("{\"aTime\":\"", text, "\"}")).ok()) << text;
  }
}

}  // namespace
}  // namespace quartermaster::gateway
