#include "qmctl/io/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quartermaster::qmctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct ReadCase {
  std::string name;
  std::string text;
  std::vector<std::vector<std::string>> rows;
  std::vector<int64_t> lines;
};

class ReadCsvTest : public testing::TestWithParam<ReadCase> {};

TEST_P(ReadCsvTest, ReadsRowsAndWhereTheyBegin) {
  std::vector<Problem> problems;

  const CsvFile file = ReadCsv("x.csv", GetParam().text, problems);

  EXPECT_THAT(problems, IsEmpty());
  EXPECT_THAT(file.columns, ElementsAre("a", "b"));
  std::vector<std::vector<std::string>> rows;
  std::vector<int64_t> lines;
  for (const CsvRow& row : file.rows) {
    rows.push_back(row.fields);
    lines.push_back(row.line);
  }
  EXPECT_EQ(rows, GetParam().rows);
  EXPECT_EQ(lines, GetParam().lines);
}

INSTANTIATE_TEST_SUITE_P(
    WellFormed, ReadCsvTest,
    testing::Values(
        ReadCase{"LineFeeds", "a,b\n1,2\n3,4\n", {{"1", "2"}, {"3", "4"}}, {2, 3}},
        ReadCase{"CarriageReturns", "a,b\r\n1,2\r\n", {{"1", "2"}}, {2}},
        ReadCase{"ByteOrderMark",
                 "\xef\xbb\xbf"
                 "a,b\n1,2\n",
                 {{"1", "2"}},
                 {2}},
        ReadCase{"NoLastLineEnd", "a,b\n1,2", {{"1", "2"}}, {2}},
        ReadCase{"NothingButHeader", "a,b\n", {}, {}},
        ReadCase{"EmptyFields", "a,b\n,\n", {{"", ""}}, {2}},
        ReadCase{"LastFieldEmptyAtEnd", "a,b\n1,", {{"1", ""}}, {2}},
        ReadCase{
            "EmptyLinesSkipped", "\n\na,b\n\n1,2\n\n\n3,4\n", {{"1", "2"}, {"3", "4"}}, {5, 8}},
        ReadCase{"CommaInQuotes", "a,b\n\"1,5\",2\n", {{"1,5", "2"}}, {2}},
        ReadCase{"QuoteInQuotes", "a,b\n\"say \"\"go\"\"\",2\n", {{"say \"go\"", "2"}}, {2}},
        ReadCase{"EmptyQuotes", "a,b\n\"\",\"\"\n", {{"", ""}}, {2}},
        ReadCase{"LineBreakInQuotes",
                 "a,b\n\"one\r\ntwo\",2\n3,4\n",
                 {{"one\r\ntwo", "2"}, {"3", "4"}},
                 {2, 4}},
        ReadCase{"BlanksAreKept", "a,b\n 1 ,2\n", {{" 1 ", "2"}}, {2}},
        ReadCase{"Chinese", "a,b\n口罩,\"手套，双\"\n", {{"口罩", "手套，双"}}, {2}}),
    [](const auto& test) { return test.param.name; });

struct RefuseCase {
  std::string name;
  std::string text;
  int64_t line;
  std::string told;
};

class RefuseCsvTest : public testing::TestWithParam<RefuseCase> {};

TEST_P(RefuseCsvTest, TellsTheLineAndWhatIsWrong) {
  std::vector<Problem> problems;

  ReadCsv("x.csv", GetParam().text, problems);

  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].file, "x.csv");
  EXPECT_EQ(problems[0].line, GetParam().line);
  EXPECT_THAT(problems[0].description, HasSubstr(GetParam().told));
}

INSTANTIATE_TEST_SUITE_P(
    Malformed, RefuseCsvTest,
    testing::Values(RefuseCase{"Nothing", "", 0, "the file is empty"},
                    RefuseCase{"OnlyEmptyLines", "\n\r\n\n", 0, "the file is empty"},
                    RefuseCase{"QuoteInBareField", "a,b\n1\"2,3\n", 2, "quote in the middle"},
                    RefuseCase{"TextAfterQuote", "a,b\n\"1\"2,3\n", 2, "after a closing quote"},
                    RefuseCase{"BlankAfterQuote", "a,b\n\"1\" ,3\n", 2, "after a closing quote"},
                    RefuseCase{"OpenQuote", "a,b\n1,2\n\"3,4\n5,6\n", 3, "never closed"},
                    RefuseCase{"OpenQuoteAtEnd", "a,b\n1,\"", 2, "never closed"},
                    RefuseCase{"TooFewFields", "a,b\n1\n", 2, "the row has 1 fields, the header 2"},
                    RefuseCase{"TooManyFields", "a,b\n1,2,3\n", 2,
                               "the row has 3 fields, the header 2"},
                    RefuseCase{"ColumnTwice", "a,a\n1,2\n", 1, "twice"},
                    RefuseCase{"LoneReturn", "a,b\r1,2\n", 1, "carriage return"},
                    RefuseCase{"Nul", std::string("a,b\n1,\0\n", 8), 2, "not UTF-8"},
                    RefuseCase{"Gbk", "a,b\n\xbf\xda\xd5\xd6,2\n", 2, "not UTF-8"},
                    RefuseCase{"Overlong", "a,b\n1,2\n\xc0\xaf,2\n", 3, "not UTF-8"},
                    RefuseCase{"Surrogate", "a,b\n\xed\xa0\x80,2\n", 2, "not UTF-8"},
                    RefuseCase{"Utf16",
                               std::string("\xff\xfe"
                                           "a\0,\0b\0",
                                           8),
                               1, "not UTF-8"}),
    [](const auto& test) { return test.param.name; });

TEST(ReadCsvAllTest, TellsEveryProblemAndKeepsTheGoodRows) {
  std::vector<Problem> problems;

  const CsvFile file = ReadCsv("x.csv", "a,b\n1\n2,3\n4\"5,6\n7,8\n", problems);

  EXPECT_THAT(problems, SizeIs(2));
  ASSERT_THAT(file.rows, SizeIs(2));
  EXPECT_EQ(file.rows[1].line, 5);
}

TEST(RenderCsvTest, GuardsAgainstFormulas) {
  EXPECT_EQ(RenderCsvField("=1+1"), "'=1+1");
  EXPECT_EQ(RenderCsvField("+cmd|' /C calc'!A0"), "'+cmd|' /C calc'!A0");
  EXPECT_EQ(RenderCsvField("-1+1"), "'-1+1");
  EXPECT_EQ(RenderCsvField("@SUM(A1)"), "'@SUM(A1)");
  EXPECT_EQ(RenderCsvField("\t=1"), "'\t=1");
  EXPECT_EQ(RenderCsvField("\r=1"), "\"'\r=1\"");
  EXPECT_EQ(RenderCsvField("=\"a\",1"), "\"'=\"\"a\"\",1\"");
}

TEST(RenderCsvTest, LeavesNumbersAndWordsAlone) {
  EXPECT_EQ(RenderCsvField("-5"), "-5");
  EXPECT_EQ(RenderCsvField("口罩"), "口罩");
  EXPECT_EQ(RenderCsvField("-"), "'-");
  EXPECT_EQ(RenderCsvField(""), "");
}

TEST(RenderCsvTest, ReadsBackWhatItRendered) {
  const std::vector<std::string> fields = {"a,b", "say \"go\"", "two\r\nlines", " x ", ""};
  std::vector<Problem> problems;

  const CsvFile file = ReadCsv("x.csv", "a,b,c,d,e\n" + RenderCsvRow(fields), problems);

  EXPECT_THAT(problems, IsEmpty());
  ASSERT_THAT(file.rows, SizeIs(1));
  EXPECT_EQ(file.rows[0].fields, fields);
}

TEST(RenderProblemTest, NamesFileRowColumnAndValueWithoutControls) {
  EXPECT_EQ(RenderProblem({.file = "m.csv",
                           .line = 17,
                           .column = "quantity",
                           .value = "12\x1b[2J",
                           .description = "not a whole number"}),
            "m.csv:17: column quantity, \"12\\x1b[2J\": not a whole number");
}

}  // namespace
}  // namespace quartermaster::qmctl
