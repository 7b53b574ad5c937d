#include "platform/mysql/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/status/error.h"

namespace quartermaster::mysql {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;

struct ErrnoCase {
  int errno_code;
  absl::StatusCode code;
  const char* reason;
  bool runs_again;
  bool breaks_connection;
  bool leaves_commit_open;
  bool needs_alert;
};

class ErrnoTest : public testing::TestWithParam<ErrnoCase> {};

TEST_P(ErrnoTest, MeansWhatTheTableSays) {
  const ErrnoCase& wanted = GetParam();

  const absl::Status status = MakeMysqlError(wanted.errno_code, "said the server");

  EXPECT_EQ(status.code(), wanted.code);
  EXPECT_EQ(status::GetReason(status), wanted.reason);
  EXPECT_EQ(GetErrno(status), wanted.errno_code);
  EXPECT_EQ(IsRunAgain(status), wanted.runs_again);
  EXPECT_EQ(BreaksConnection(wanted.errno_code), wanted.breaks_connection);
  EXPECT_EQ(LeavesCommitOpen(wanted.errno_code), wanted.leaves_commit_open);
  EXPECT_EQ(FindAlert(wanted.errno_code).has_value(), wanted.needs_alert);
}

constexpr auto kAborted = absl::StatusCode::kAborted;
constexpr auto kInternal = absl::StatusCode::kInternal;
constexpr auto kUnavailable = absl::StatusCode::kUnavailable;
constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;
constexpr auto kDeadline = absl::StatusCode::kDeadlineExceeded;

INSTANTIATE_TEST_SUITE_P(
    All, ErrnoTest,
    testing::Values(ErrnoCase{1213, kAborted, "CONTENTION", true, false, false, false},
                    ErrnoCase{1205, kAborted, "CONTENTION", true, false, false, false},
                    ErrnoCase{1020, kAborted, "CONTENTION", true, false, false, false},
                    ErrnoCase{1062, kInternal, "INTERNAL", false, false, false, false},
                    ErrnoCase{1451, kInternal, "INTERNAL", false, false, false, false},
                    ErrnoCase{1452, kInternal, "INTERNAL", false, false, false, false},
                    ErrnoCase{4025, kInternal, "INTERNAL", false, false, false, true},
                    ErrnoCase{3819, kInternal, "INTERNAL", false, false, false, true},
                    ErrnoCase{1040, kUnavailable, "STORAGE_UNAVAILABLE", false, true, true, false},
                    ErrnoCase{1203, kUnavailable, "STORAGE_UNAVAILABLE", false, true, true, false},
                    ErrnoCase{2002, kUnavailable, "STORAGE_UNAVAILABLE", false, true, true, false},
                    ErrnoCase{2003, kUnavailable, "STORAGE_UNAVAILABLE", false, true, true, false},
                    ErrnoCase{2006, kUnavailable, "STORAGE_UNAVAILABLE", false, true, true, false},
                    ErrnoCase{2013, kUnavailable, "STORAGE_UNAVAILABLE", false, true, true, false},
                    ErrnoCase{1053, kUnavailable, "STORAGE_UNAVAILABLE", false, true, true, false},
                    ErrnoCase{1317, kUnavailable, "STORAGE_UNAVAILABLE", false, true, true, false},
                    ErrnoCase{1927, kUnavailable, "STORAGE_UNAVAILABLE", false, true, true, false},
                    ErrnoCase{1047, kUnavailable, "STORAGE_UNAVAILABLE", false, true, false, false},
                    ErrnoCase{1290, kUnavailable, "STORAGE_UNAVAILABLE", false, true, false, false},
                    ErrnoCase{1836, kUnavailable, "STORAGE_UNAVAILABLE", false, true, false, false},
                    ErrnoCase{1021, kExhausted, "STORAGE_FULL", false, false, false, true},
                    ErrnoCase{1114, kExhausted, "STORAGE_FULL", false, false, false, true},
                    ErrnoCase{28, kExhausted, "STORAGE_FULL", false, false, false, true},
                    ErrnoCase{1969, kDeadline, "DEADLINE_EXCEEDED", false, false, false, false},
                    ErrnoCase{3024, kDeadline, "DEADLINE_EXCEEDED", false, false, false, false},
                    ErrnoCase{1064, kInternal, "INTERNAL", false, false, false, false}),
    [](const auto& test) { return std::to_string(test.param.errno_code); });

TEST(DuplicateKeyNameTest, ReadsTheConstraintAndKeepsTheValueOut) {
  const absl::Status status =
      MakeMysqlError(1062, "Duplicate entry 'O'Neill key 'uk_x'' for key 'uk_persons_number'");

  EXPECT_THAT(DuplicateKeyName(status), Optional(std::string("uk_persons_number")));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("Neill")));
}

TEST(DuplicateKeyNameTest, DropsTheTableThatMysqlPutsBeforeIt) {
  const absl::Status status = MakeMysqlError(1062, "Duplicate entry '1-2' for key 't.PRIMARY'");

  EXPECT_THAT(DuplicateKeyName(status), Optional(std::string("PRIMARY")));
}

TEST(DuplicateKeyNameTest, IsNothingForOtherErrors) {
  EXPECT_EQ(DuplicateKeyName(MakeMysqlError(1205, "Lock wait timeout")), std::nullopt);
  EXPECT_EQ(DuplicateKeyName(absl::OkStatus()), std::nullopt);
}

TEST(MakeMysqlErrorTest, KeepsQuotedValuesOut) {
  const absl::Status status =
      MakeMysqlError(1366, "Incorrect integer value: 'diagnosis' for column `t`.`c` at row 1");

  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("diagnosis")));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Incorrect integer value"));
}

TEST(RunAgainTest, IsAContentionOfOurOwn) {
  const absl::Status status = RunAgain("a twin was first");

  EXPECT_TRUE(IsRunAgain(status));
  EXPECT_EQ(status::GetReason(status), "CONTENTION");
  EXPECT_EQ(GetErrno(status), 0);
}

}  // namespace
}  // namespace quartermaster::mysql
