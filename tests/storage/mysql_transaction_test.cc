// All or nothing, once: what a transaction promises when locks, links or bodies fail.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/mutex.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/error.h"
#include "platform/mysql/migrate.h"
#include "platform/mysql/pool_metrics.h"
#include "platform/mysql/transaction.h"
#include "platform/status/error.h"
#include "tests/harness/database.h"

namespace quartermaster::mysql {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;

const std::vector<Migration>& Schema() {
  static const std::vector<Migration> migrations = {
      {1, "schema",
       "CREATE TABLE counters (name VARCHAR(50) NOT NULL, amount BIGINT NOT NULL,"
       " CONSTRAINT pk_counters PRIMARY KEY (name),"
       " CONSTRAINT ck_counters_amount CHECK (amount >= 0));"}};
  return migrations;
}

class MysqlTransactionTest : public ::testing::Test {
 protected:
  MysqlTransactionTest() {
    database_.ClearTables();
    EXPECT_TRUE(Run("INSERT INTO counters VALUES ('a', 0), ('b', 0)").ok());
  }

  static absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

  // A statement of its own.
  absl::Status Run(const std::string& sql) {
    absl::StatusOr<Lease> lease = pool_.Acquire(Soon());
    return lease.ok() ? (*lease)->Execute(sql).status() : lease.status();
  }

  int64_t Amount(const std::string& name) {
    const Lease lease = *pool_.Acquire(Soon());
    const auto rows = lease->Query("SELECT amount FROM counters WHERE name = ?", {name});
    return rows.ok() && !rows->empty() ? (*rows)[0].Int64(0) : -1;
  }

  static absl::Status Add(Connection& connection, const std::string& name) {
    return connection.Execute("UPDATE counters SET amount = amount + 1 WHERE name = ?", {name})
        .status();
  }

  void Kill(int64_t session) {
    const auto killer = pool_.OpenFresh(absl::Seconds(5));
    ASSERT_TRUE((*killer)->Execute(absl::StrCat("KILL CONNECTION ", session)).ok());
  }

  testing::TestDatabase& database_ = testing::SharedDatabase(Schema());
  Pool pool_{{.connection = database_.options(), .size_max = 4}};
  TransactionCounters& counters_ = pool_.transaction_counters();
};

TEST_F(MysqlTransactionTest, CommitsAll) {
  const absl::Status done = InTransaction(pool_, Soon(), [&](Connection& connection) {
    QM_RETURN_IF_ERROR(Add(connection, "a"));
    EXPECT_EQ(Amount("a"), 0) << "seen before it was committed";
    return Add(connection, "b");
  });

  EXPECT_TRUE(done.ok()) << done;
  EXPECT_EQ(Amount("a"), 1);
  EXPECT_EQ(Amount("b"), 1);
  EXPECT_EQ(counters_.rerun_count, 0);
}

TEST_F(MysqlTransactionTest, RollsBackWhatABodyRefuses) {
  const absl::Status refusal = absl::FailedPreconditionError("not enough");
  int64_t session = 0;

  const absl::Status done = InTransaction(pool_, Soon(), [&](Connection& connection) {
    session = connection.session_id();
    QM_RETURN_IF_ERROR(Add(connection, "a"));
    return refusal;
  });

  EXPECT_EQ(done, refusal);
  EXPECT_EQ(Amount("a"), 0);
  // Nor is it in the next transaction of the same connection, which need not be closed for that.
  EXPECT_TRUE(InTransaction(pool_, Soon(), [&](Connection& connection) {
                EXPECT_EQ(connection.session_id(), session);
                return Add(connection, "b");
              }).ok());
  EXPECT_EQ(Amount("a"), 0);
}

TEST_F(MysqlTransactionTest, CommitsInTheRoundTripOfTheLastStatements) {
  const absl::Status done = InTransaction(pool_, Soon(), [&](Connection& connection) {
    QM_ASSIGN_OR_RETURN(const auto results,
                        connection.ExecuteBatch(
                            {{"SELECT @@in_transaction"},
                             {"SELECT amount FROM counters WHERE name = ? FOR UPDATE", {"a"s}}}));
    EXPECT_EQ(results.size(), 2u);
    EXPECT_EQ(results[0][0].Int64(0), 1) << "the batch ran outside of the transaction";
    QM_ASSIGN_OR_RETURN(
        const auto written,
        connection.ExecuteBatchAndCommit({{"UPDATE counters SET amount = 7 WHERE name = 'a'"},
                                          {"SELECT amount FROM counters WHERE name = 'a'"}}));
    EXPECT_EQ(written.size(), 2u);
    EXPECT_EQ(written[1][0].Int64(0), 7);
    EXPECT_EQ(Amount("a"), 7);
    EXPECT_FALSE(connection.Execute("DELETE FROM counters").ok()) << "after the commit";
    return absl::OkStatus();
  });

  EXPECT_TRUE(done.ok()) << done;
  EXPECT_EQ(Amount("a"), 7);
  // A batch that fails before its COMMIT commits nothing.
  const absl::Status failed = InTransaction(pool_, Soon(), [&](Connection& connection) {
    return connection
        .ExecuteBatchAndCommit({{"UPDATE counters SET amount = 8 WHERE name = 'a'"},
                                {"INSERT INTO counters VALUES ('b', 1)"}})
        .status();
  });
  EXPECT_EQ(DuplicateKeyName(failed), "PRIMARY") << failed;
  EXPECT_EQ(Amount("a"), 7);
}

TEST_F(MysqlTransactionTest, RefusesToCommitOutsideOfATransaction) {
  const Lease lease = *pool_.Acquire(Soon());

  EXPECT_FALSE(lease->ExecuteBatchAndCommit({{"UPDATE counters SET amount = 5"}}).ok());
  EXPECT_EQ(Amount("a"), 0);
}

// The connector's own `commit()` returns normally here.
TEST_F(MysqlTransactionTest, ReportsACommitOnAKilledConnection) {
  const absl::Status done = InTransaction(pool_, Soon(),
                                          [&](Connection& connection) {
                                            QM_RETURN_IF_ERROR(Add(connection, "a"));
                                            Kill(connection.session_id());
                                            return absl::OkStatus();
                                          },
                                          {.rerun_count_max = 0});

  EXPECT_EQ(status::GetReason(done), "OUTCOME_UNKNOWN") << done;
  EXPECT_EQ(Amount("a"), 0);
  EXPECT_EQ(counters_.commit_open_count, 1);
  EXPECT_EQ(counters_.outcome_unknown_count, 1);
}

TEST_F(MysqlTransactionTest, ReportsALinkLostBeforeTheCommitAndRunsNothingAgain) {
  int runs = 0;
  const absl::Status done = InTransaction(pool_, Soon(), [&](Connection& connection) {
    ++runs;
    QM_RETURN_IF_ERROR(Add(connection, "a"));
    Kill(connection.session_id());
    return Add(connection, "b");
  });

  EXPECT_EQ(status::GetReason(done), "STORAGE_UNAVAILABLE") << done;
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(Amount("a"), 0);
  EXPECT_EQ(counters_.commit_open_count, 0);
}

// Holds the row `b` locked until it goes.
class LockOnB {
 public:
  explicit LockOnB(Pool& pool)
      : thread_([this, &pool] {
          const DatabaseThread thread;
          InTransaction(pool, absl::Now() + absl::Seconds(20), [&](Connection& connection) {
            QM_RETURN_IF_ERROR(
                connection.Query("SELECT 1 FROM counters WHERE name = 'b' FOR UPDATE").status());
            locked_.Notify();
            released_.WaitForNotification();
            return absl::OkStatus();
          }).IgnoreError();
        }) {
    locked_.WaitForNotification();
  }
  ~LockOnB() {
    Release();
    thread_.join();
  }
  void Release() {
    if (!released_.HasBeenNotified()) released_.Notify();
  }

 private:
  base::Notification locked_;
  base::Notification released_;
  std::thread thread_;
};

// InnoDB undoes only the statement that waited. The body here goes on as if nothing had happened:
// what it did before must not be committed alone.
TEST_F(MysqlTransactionTest, RollsBackTheWholeTransactionAfterALockWait) {
  const LockOnB lock(pool_);
  int runs = 0;

  const absl::Status done = InTransaction(pool_, Soon(),
                                          [&](Connection& connection) {
                                            ++runs;
                                            QM_RETURN_IF_ERROR(Add(connection, "a"));
                                            EXPECT_EQ(GetErrno(Add(connection, "b")), 1205);
                                            EXPECT_FALSE(Add(connection, "a").ok());
                                            return absl::OkStatus();
                                          },
                                          {.rerun_count_max = 1});

  EXPECT_TRUE(absl::IsAborted(done)) << done;
  EXPECT_EQ(status::GetReason(done), "CONTENTION");
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(Amount("a"), 0);
  EXPECT_EQ(counters_.rerun_count, 1);
  EXPECT_EQ(counters_.contention_count, 1);
}

// Goal: a process that stands still in the middle of a transaction does not keep others from what
// it has locked for longer than the setting says, and does no harm when it goes on.
TEST_F(MysqlTransactionTest, WhoStandsStillWithinOneLosesItsLocksAndItsSession) {
  ConnectionOptions options = database_.options();
  options.transaction_idle_max = absl::Seconds(1);
  Pool short_pool({.connection = options, .size_max = 1});
  const absl::Status stood_still =
      InTransaction(short_pool, Soon(), [&](Connection& connection) -> absl::Status {
        QM_RETURN_IF_ERROR(Add(connection, "a"));
        const absl::Time begin = absl::Now();
        absl::Status other = absl::UnknownError("not asked");
        while (!other.ok() && absl::Now() < begin + absl::Seconds(20)) {
          other = Run("UPDATE counters SET amount = amount + 10 WHERE name = 'a'");
        }
        EXPECT_TRUE(other.ok()) << other;
        return Add(connection, "b");
      });

  EXPECT_EQ(status::GetReason(stood_still), "STORAGE_UNAVAILABLE") << stood_still;
  EXPECT_EQ(Amount("a"), 10);
}

TEST_F(MysqlTransactionTest, RunsAgainAfterALockWaitAndSucceeds) {
  LockOnB lock(pool_);
  int runs = 0;

  const absl::Status done = InTransaction(pool_, Soon(), [&](Connection& connection) {
    if (++runs == 2) lock.Release();
    QM_RETURN_IF_ERROR(Add(connection, "a"));
    return Add(connection, "b");
  });

  EXPECT_TRUE(done.ok()) << done;
  EXPECT_EQ(Amount("a"), 1);
  EXPECT_EQ(Amount("b"), 1);
}

// Two bodies lock the same two rows in opposite order and meet, the first time, in the middle.
TEST_F(MysqlTransactionTest, RunsTheVictimOfADeadlockAgain) {
  std::latch middle(2);
  const auto move = [&](const std::string& first, const std::string& second) {
    const DatabaseThread thread;
    int runs = 0;
    return InTransaction(pool_, Soon(), [&](Connection& connection) -> absl::Status {
      QM_RETURN_IF_ERROR(Add(connection, first));
      if (++runs == 1) middle.arrive_and_wait();
      return Add(connection, second);
    });
  };
  absl::Status forth;
  std::thread other([&] { forth = move("a", "b"); });

  const absl::Status back = move("b", "a");
  other.join();

  EXPECT_TRUE(forth.ok()) << forth;
  EXPECT_TRUE(back.ok()) << back;
  EXPECT_EQ(Amount("a"), 2);
  EXPECT_EQ(Amount("b"), 2);
  EXPECT_GE(counters_.rerun_count, 1);
}

// Goal: what somebody must be told of reaches the metrics, from every pool under its own name.
// Method: a lost race, a transaction given up, and a CHECK that saw what it should not have.
TEST_F(MysqlTransactionTest, ShowsItsCountersInTheMetrics) {
  Pool other({.connection = database_.options(), .size_max = 1});
  telemetry::Metrics metrics("test");
  AddPoolMetrics(metrics, {{"writes", pool_}, {"reads", other}});
  EXPECT_THAT(metrics.Render(), HasSubstr("qm_test_database_reruns_total{pool=\"writes\"} 0\n"));

  const absl::Status lost =
      InTransaction(pool_, Soon(), [](Connection&) { return RunAgain("a twin was first"); });
  EXPECT_EQ(status::GetReason(lost), "CONTENTION");
  const absl::Status negative = InTransaction(pool_, Soon(), [](Connection& connection) {
    return connection.Execute("UPDATE counters SET amount = -5 WHERE name = 'a'").status();
  });
  EXPECT_TRUE(absl::IsInternal(negative)) << negative;

  metrics.Render();
  const std::string text = metrics.Render();
  for (const char* line :
       {"database_reruns_total{pool=\"writes\"} 3", "database_contentions_total{pool=\"writes\"} 1",
        "database_open_commits_total{pool=\"writes\"} 0",
        "database_unknown_outcomes_total{pool=\"writes\"} 0",
        "database_alerts_total{pool=\"writes\",reason=\"CHECK_VIOLATED\"} 1",
        "database_alerts_total{pool=\"writes\",reason=\"STORAGE_FULL\"} 0",
        "database_reruns_total{pool=\"reads\"} 0",
        "database_connections_count{pool=\"reads\"} 0"}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("qm_test_", line, "\n")));
  }
}

TEST_F(MysqlTransactionTest, RunsAgainWhenTheBodyAsksForIt) {
  int runs = 0;

  const absl::Status done = InTransaction(pool_, Soon(), [&](Connection& connection) {
    QM_RETURN_IF_ERROR(Add(connection, "a"));
    return ++runs < 4 ? RunAgain("a twin was first") : absl::OkStatus();
  });

  EXPECT_TRUE(done.ok()) << done;
  EXPECT_EQ(runs, 4);
  EXPECT_EQ(Amount("a"), 1);
}

TEST_F(MysqlTransactionTest, GivesUpAfterThreeReruns) {
  int runs = 0;

  const absl::Status done = InTransaction(pool_, Soon(), [&](Connection& connection) {
    ++runs;
    QM_RETURN_IF_ERROR(Add(connection, "a"));
    return RunAgain("a twin was first");
  });

  EXPECT_EQ(status::GetReason(done), "CONTENTION") << done;
  EXPECT_EQ(runs, 4);
  EXPECT_EQ(Amount("a"), 0);
  EXPECT_EQ(counters_.rerun_count, 3);
  EXPECT_EQ(counters_.contention_count, 1);
}

TEST_F(MysqlTransactionTest, StopsReadsAtTheDeadlineAndRollsBack) {
  const absl::Status done =
      InTransaction(pool_, absl::Now() + absl::Milliseconds(300), [&](Connection& connection) {
        QM_RETURN_IF_ERROR(Add(connection, "a"));
        return connection.Query("SELECT SLEEP(5)").status();
      });

  EXPECT_TRUE(absl::IsDeadlineExceeded(done)) << done;
  EXPECT_EQ(Amount("a"), 0);
}

// READ COMMITTED has no snapshot: two statements see two states.
TEST_F(MysqlTransactionTest, SnapshotSeesOneStateThroughout) {
  const auto read_twice = [&](Connection& connection) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const Rows first,
                        connection.Query("SELECT amount FROM counters WHERE name = 'b'"));
    QM_RETURN_IF_ERROR(Run("UPDATE counters SET amount = amount + 1"));
    QM_ASSIGN_OR_RETURN(const Rows second,
                        connection.Query("SELECT amount FROM counters WHERE name = ?", {"b"s}));
    return first[0].Int64(0) == second[0].Int64(0) ? absl::OkStatus()
                                                   : absl::DataLossError("two states");
  };

  EXPECT_TRUE(absl::IsDataLoss(InTransaction(pool_, Soon(), read_twice)));
  EXPECT_TRUE(InSnapshot(pool_, Soon(), read_twice).ok());
  EXPECT_EQ(Amount("b"), 2);
}

TEST_F(MysqlTransactionTest, SnapshotWritesNothingAndLeavesNoTrace) {
  int64_t session = 0;
  const absl::Status done = InSnapshot(pool_, Soon(), [&](Connection& connection) {
    session = connection.session_id();
    return Add(connection, "a");
  });
  EXPECT_EQ(GetErrno(done), 1792) << done;
  EXPECT_EQ(Amount("a"), 0);

  EXPECT_TRUE(InTransaction(pool_, Soon(), [&](Connection& connection) {
                EXPECT_EQ(connection.session_id(), session);
                QM_ASSIGN_OR_RETURN(const Rows rows, connection.Query("SELECT @@tx_isolation"));
                EXPECT_EQ(rows[0].String(0), "READ-COMMITTED");
                return Add(connection, "a");
              }).ok());
  EXPECT_EQ(Amount("a"), 1);
}

}  // namespace
}  // namespace quartermaster::mysql
