#include "platform/mysql/sql_text.h"

#include <gtest/gtest.h>

namespace quartermaster::mysql {
namespace {

using namespace std::string_literals;

TEST(RenderLiteralTest, RendersEveryKind) {
  EXPECT_EQ(*RenderLiteral(Null()), "NULL");
  EXPECT_EQ(*RenderLiteral(int64_t{-7}), "-7");
  EXPECT_EQ(*RenderLiteral(absl::UnixEpoch()), "'1970-01-01 00:00:00.000000'");
  EXPECT_EQ(*RenderLiteral("粮草"s), "'粮草'");
  EXPECT_EQ(*RenderLiteral(""s), "''");
}

TEST(RenderLiteralTest, EscapesWhatWouldEndTheLiteral) {
  EXPECT_EQ(*RenderLiteral("a'b\\c\0d"s), "'a\\'b\\\\c\\0d'");
}

TEST(RenderLiteralTest, SendsBytesThatAreNoTextInHexadecimal) {
  EXPECT_EQ(*RenderLiteral("\xff\x27"s), "x'ff27'");
}

TEST(RenderStatementTest, FillsQuestionMarksOutsideOfQuotesAndComments) {
  const Statement statement{"SELECT '?', `?`, /* ? */ ? -- ?\n, ? # ?", {int64_t{1}, "x?"s}};

  EXPECT_EQ(*RenderStatement(statement), "SELECT '?', `?`, /* ? */ 1 -- ?\n, 'x?' # ?");
}

TEST(RenderStatementTest, RefusesAnotherNumberOfValues) {
  EXPECT_FALSE(RenderStatement({"SELECT ?, ?", {int64_t{1}}}).ok());
  EXPECT_FALSE(RenderStatement({"SELECT ?", {int64_t{1}, int64_t{2}}}).ok());
}

TEST(IsUtf8Test, KnowsWellFormedText) {
  for (const std::string& text : {""s, "abc"s, "粮草官"s, "\U00020BB7"s, "\xf4\x8f\xbf\xbf"s}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  // Cut off, overlong, surrogate, above the last code point, lone continuation.
  for (const std::string& text :
       {"\xe7\xb2"s, "\xc0\x80"s, "\xe0\x80\x80"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "\x80"s}) {
    EXPECT_FALSE(IsUtf8(text));
  }
}

}  // namespace
}  // namespace quartermaster::mysql
