// The runner of migrations: killed anywhere, continued; two at once; drift.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "migrations_for_test.h"
#include "platform/mysql/error.h"
#include "platform/mysql/migrate.h"
#include "platform/mysql/transaction.h"
#include "platform/status/error.h"
#include "tests/harness/database.h"

namespace quartermaster::mysql {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TestDatabase;

constexpr int kStepCount = 6;

absl::Time Soon() { return absl::Now() + absl::Seconds(10); }

// A database without any schema.
std::unique_ptr<TestDatabase> MakeEmpty() {
  auto database = TestDatabase::Create(testing::FixtureServer(), {});
  EXPECT_TRUE(database.ok()) << database.status();
  return *std::move(database);
}

// Runs the migrations and returns the steps it took, as "migration.step".
absl::StatusOr<std::vector<std::string>> RunAll(TestDatabase& database,
                                                const std::vector<Migration>& migrations) {
  std::vector<std::string> steps;
  const absl::Status done =
      Migrate({.connection = database.options()}, migrations, [&](const MigrationStep& step) {
        steps.push_back(absl::StrCat(step.migration, ".", step.step));
      });
  if (!done.ok()) return done;
  return steps;
}

// What the schema and its first row look like when all migrations ran exactly once.
void ExpectComplete(TestDatabase& database) {
  EXPECT_TRUE(CheckSchema(database.pool(), MigrationsForTest(), Soon()).ok());
  const Lease lease = *database.pool().Acquire(absl::Now() + absl::Seconds(5));
  const auto rows = lease->Query("SELECT shelf_id, note, row_count FROM shelves");
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ((*rows)[0].String(1), "粮草官 [x]; \"y\" \\ z");
  EXPECT_EQ((*rows)[0].Int64(2), 1) << "the change of rows did not happen exactly once";
  const auto indexes = lease->Query("SHOW INDEX FROM shelves WHERE Key_name = 'ix_shelves_note'");
  EXPECT_TRUE(indexes.ok() && indexes->empty());
}

TEST(MysqlMigrateTest, EmbedsTheFilesOfTheFolder) {
  const std::vector<Migration>& migrations = MigrationsForTest();

  ASSERT_EQ(migrations.size(), 3u);
  EXPECT_EQ(migrations[0].number, 1);
  EXPECT_EQ(std::string(migrations[0].name), "shelves");
  EXPECT_EQ(migrations[2].number, 10);
  EXPECT_EQ(SplitStatements(migrations[0].text)->size(), 2u);
}

TEST(MysqlMigrateTest, RunsEveryStepOnceInOrder) {
  const auto database = MakeEmpty();

  const auto first = RunAll(*database, MigrationsForTest());
  const auto second = RunAll(*database, MigrationsForTest());

  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_THAT(*first, ElementsAre("1.1", "1.2", "2.1", "2.2", "2.3", "10.1"));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_THAT(*second, IsEmpty());
  ExpectComplete(*database);
}

// Goal: a run that is killed is continued. Method: the runner's session, which holds the runners'
// lock, is killed before step `stop`; its begin is then the last thing recorded or not even that.
TEST(MysqlMigrateTest, ContinuesARunThatWasKilledBeforeAnyStep) {
  for (int stop = 0; stop < kStepCount; ++stop) {
    const auto database = MakeEmpty();
    const auto killer = Connection::Open(testing::FixtureServer());
    int step = 0;
    const absl::Status killed = Migrate(
        {.connection = database->options()}, MigrationsForTest(), [&](const MigrationStep&) {
          if (step++ != stop) return;
          const auto session = (*killer)->Query(
              "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = ?", {database->name()});
          ASSERT_EQ(session->size(), 1u);
          ASSERT_TRUE(
              (*killer)->Execute(absl::StrCat("KILL CONNECTION ", (*session)[0].Int64(0))).ok());
        });
    EXPECT_TRUE(absl::IsUnavailable(killed)) << killed;

    const auto continued = RunAll(*database, MigrationsForTest());

    ASSERT_TRUE(continued.ok()) << "killed before " << stop << ": " << continued.status();
    EXPECT_EQ(static_cast<int>(continued->size()), kStepCount - stop);
    ExpectComplete(*database);
  }
}

// The other half: killed after a change of tables took effect and before it was recorded. A change
// of rows has no such moment, its record is in the same transaction.
TEST(MysqlMigrateTest, ContinuesARunThatWasKilledBetweenAStepAndItsRecord) {
  const std::pair<int, int> changes_of_tables[] = {{1, 1}, {2, 1}, {2, 2}, {10, 1}};
  for (const auto& [migration, step] : changes_of_tables) {
    const auto database = MakeEmpty();
    std::vector<Migration> until;
    for (const Migration& each : MigrationsForTest()) {
      if (each.number <= migration) until.push_back(each);
    }
    ASSERT_TRUE(RunAll(*database, until).ok());
    {
      const Lease lease = *database->pool().Acquire(absl::Now() + absl::Seconds(5));
      ASSERT_EQ(*lease->Execute("UPDATE schema_steps SET applied_time = NULL "
                                "WHERE migration = ? AND step = ?",
                                {int64_t{migration}, int64_t{step}}),
                1);
    }
    EXPECT_EQ(status::GetReason(CheckSchema(database->pool(), until, Soon())), "SCHEMA_BEHIND");

    const auto continued = RunAll(*database, MigrationsForTest());

    ASSERT_TRUE(continued.ok()) << migration << "." << step << ": " << continued.status();
    ExpectComplete(*database);
  }
}

// Goal: a change of rows and its record are one. Method: a trigger refuses the record, as a kill
// between the two would.
TEST(MysqlMigrateTest, TakesBackAChangeOfRowsThatItCannotRecord) {
  const auto database = MakeEmpty();
  const auto admin = Connection::Open(database->options());
  ASSERT_TRUE((*admin)
                  ->Execute("CREATE TRIGGER refuse BEFORE UPDATE ON schema_steps FOR EACH ROW "
                            "IF NEW.migration = 2 AND NEW.step = 3 THEN SIGNAL SQLSTATE '45000'; "
                            "END IF")
                  .ok());

  EXPECT_FALSE(RunAll(*database, MigrationsForTest()).ok());
  const auto rows = (*admin)->Query("SELECT row_count FROM shelves");
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ((*rows)[0].Int64(0), 0);

  ASSERT_TRUE((*admin)->Execute("DROP TRIGGER refuse").ok());
  EXPECT_TRUE(RunAll(*database, MigrationsForTest()).ok());
  ExpectComplete(*database);
}

TEST(MysqlMigrateTest, DoesNotTakeAStrangersTableForItsOwn) {
  const auto database = MakeEmpty();
  {
    const Lease lease = *database->pool().Acquire(absl::Now() + absl::Seconds(5));
    ASSERT_TRUE(lease->Execute("CREATE TABLE shelves (something INT)").ok());
  }

  // The second time no more than the first.
  EXPECT_EQ(GetErrno(RunAll(*database, MigrationsForTest()).status()), 1050);
  EXPECT_EQ(GetErrno(RunAll(*database, MigrationsForTest()).status()), 1050);
}

TEST(MysqlMigrateTest, RefusesDrift) {
  const auto database = MakeEmpty();
  const std::vector<Migration> shipped = {{1, "t", "CREATE TABLE t (a INT);"}};
  const std::vector<Migration> changed = {{1, "t", "CREATE TABLE t (a BIGINT);"}};
  const std::vector<Migration> cut = {{1, "t", "-- nothing left"},
                                      {2, "u", "CREATE TABLE u (a INT);"}};
  ASSERT_TRUE(RunAll(*database, shipped).ok());

  for (const std::vector<Migration>& drifted : {changed, cut}) {
    const absl::Status migrated = RunAll(*database, drifted).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(migrated)) << migrated;
    EXPECT_EQ(status::GetReason(migrated), "SCHEMA_DRIFT");
    EXPECT_EQ(status::GetReason(CheckSchema(database->pool(), drifted, Soon())), "SCHEMA_DRIFT");
  }
  // Comments and blanks are no drift.
  EXPECT_TRUE(RunAll(*database, {{1, "t", "-- why\nCREATE TABLE t (a INT) ;\n"}}).ok());
}

TEST(MysqlMigrateTest, WaitsForANewerSchemaAndToleratesIt) {
  const auto database = MakeEmpty();
  const std::vector<Migration> older = {{1, "t", "CREATE TABLE t (a INT);"}};
  const std::vector<Migration> newer = {older[0], {2, "u", "CREATE TABLE u (a INT);"}};
  const absl::Status before = CheckSchema(database->pool(), older, Soon());
  EXPECT_TRUE(absl::IsUnavailable(before)) << before;
  EXPECT_EQ(status::GetReason(before), "SCHEMA_BEHIND");

  ASSERT_TRUE(RunAll(*database, older).ok());
  EXPECT_TRUE(CheckSchema(database->pool(), older, Soon()).ok());
  EXPECT_EQ(status::GetReason(CheckSchema(database->pool(), newer, Soon())), "SCHEMA_BEHIND");

  ASSERT_TRUE(RunAll(*database, newer).ok());
  EXPECT_TRUE(CheckSchema(database->pool(), older, Soon()).ok());
  const auto again = RunAll(*database, older);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_THAT(*again, IsEmpty());
}

// Readiness asks once a second: neither a busy pool nor a runner at work may hold it up.
TEST(MysqlMigrateTest, ChecksTheSchemaWithinItsDeadline) {
  const auto database = MakeEmpty();
  ASSERT_TRUE(RunAll(*database, MigrationsForTest()).ok());
  Pool pool({.connection = database->options(), .size_max = 1});
  const auto check = [&] {
    return CheckSchema(pool, MigrationsForTest(), absl::Now() + absl::Milliseconds(300));
  };
  ASSERT_TRUE(check().ok());
  const absl::Time begin = absl::Now();
  {
    const Lease busy = *pool.Acquire(Soon());
    EXPECT_EQ(status::GetReason(check()), "OVERLOADED");
  }
  const auto runner = Connection::Open(database->options());
  ASSERT_TRUE((*runner)->Execute("LOCK TABLES schema_steps WRITE").ok());

  EXPECT_TRUE(absl::IsDeadlineExceeded(check())) << check();

  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
  ASSERT_TRUE((*runner)->Execute("UNLOCK TABLES").ok());
  EXPECT_TRUE(CheckSchema(pool, MigrationsForTest(), Soon()).ok());
}

TEST(MysqlMigrateTest, RunsOneRunnerAtATime) {
  const auto database = MakeEmpty();
  std::atomic<int> steps = 0;
  std::vector<absl::Status> results(3);
  std::vector<std::thread> runners;

  for (absl::Status& result : results) {
    runners.emplace_back([&] {
      const DatabaseThread thread;
      result = Migrate({.connection = database->options()}, MigrationsForTest(),
                       [&](const MigrationStep&) { ++steps; });
    });
  }
  for (std::thread& runner : runners) runner.join();

  for (const absl::Status& result : results) EXPECT_TRUE(result.ok()) << result;
  EXPECT_EQ(steps, kStepCount);
  ExpectComplete(*database);
}

TEST(MysqlMigrateTest, GivesUpBehindARunnerThatDoesNotEnd) {
  const auto database = MakeEmpty();
  absl::Status second;

  const absl::Status first =
      Migrate({.connection = database->options()}, {{1, "t", "CREATE TABLE t (a INT);"}},
              [&](const MigrationStep&) {
                second = Migrate(
                    {.connection = database->options(), .runner_wait_max = absl::ZeroDuration()},
                    MigrationsForTest(), [](const MigrationStep&) {});
              });

  EXPECT_TRUE(first.ok()) << first;
  EXPECT_EQ(status::GetReason(second), "CONTENTION") << second;
}

TEST(MysqlMigrateTest, DoesNotWaitLongForATableInUse) {
  const auto database = MakeEmpty();
  const std::vector<Migration> first = {{1, "t", "CREATE TABLE t (a INT);"}};
  const std::vector<Migration> both = {first[0], {2, "b", "ALTER TABLE t ADD COLUMN b INT;"}};
  ASSERT_TRUE(RunAll(*database, first).ok());
  absl::Status blocked;

  const absl::Status reader =
      InTransaction(database->pool(), absl::Now() + absl::Seconds(20), [&](Connection& connection) {
        const absl::Status read = connection.Query("SELECT a FROM t").status();
        blocked =
            Migrate({.connection = database->options(), .table_lock_wait_max = absl::Seconds(1)},
                    both, [](const MigrationStep&) {});
        return read;
      });

  EXPECT_TRUE(reader.ok()) << reader;
  EXPECT_EQ(status::GetReason(blocked), "CONTENTION") << blocked;
  EXPECT_TRUE(RunAll(*database, both).ok());
}

TEST(MysqlMigrateTest, RefusesWhatCannotBeContinued) {
  const auto database = MakeEmpty();

  for (const char* text :
       {"SET GLOBAL read_only = 1;", "SELECT 1;", "COMMIT;", "TRUNCATE TABLE t;"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(RunAll(*database, {{1, "t", text}}).status())) << text;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(
      RunAll(*database, {{2, "b", "CREATE TABLE b (a INT)"}, {1, "a", "CREATE TABLE a (a INT)"}})
          .status()));
}

}  // namespace
}  // namespace quartermaster::mysql
