#include "platform/mysql/migrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quartermaster::mysql {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SplitStatementsTest, SplitsOutsideOfQuotesAndComments) {
  const auto statements = SplitStatements(
      "-- It's why; really.\n"
      "CREATE TABLE a (b INT COMMENT 'x;y' /* z; */);\n"
      "# the end; of it\n"
      "INSERT INTO a VALUES (1); ;\n");

  ASSERT_TRUE(statements.ok());
  EXPECT_THAT(*statements,
              ElementsAre("CREATE TABLE a (b INT COMMENT 'x;y'  )", "INSERT INTO a VALUES (1)"));
}

TEST(SplitStatementsTest, FindsNothingInComments) {
  EXPECT_THAT(*SplitStatements("-- nothing; yet"), IsEmpty());
}

TEST(SplitStatementsTest, KeepsTwoDashesThatAreNoComment) {
  EXPECT_THAT(*SplitStatements("UPDATE a SET b = 1--1;"), ElementsAre("UPDATE a SET b = 1--1"));
}

TEST(SplitStatementsTest, RefusesTextThatWasCutOff) {
  EXPECT_FALSE(SplitStatements("CREATE TABLE a (b INT COMMENT 'x);").ok());
  EXPECT_FALSE(SplitStatements("CREATE TABLE a (b INT); /* x").ok());
  EXPECT_FALSE(SplitStatements("CREATE TABLE a (b INT) /*! ENGINE=x */;").ok());
}

}  // namespace
}  // namespace quartermaster::mysql
