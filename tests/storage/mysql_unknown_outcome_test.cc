// A link that breaks between COMMIT and its answer.
//
// Every body here looks for its own trace and leaves one if it finds none, in a table without any
// unique key: work that was done twice shows as two rows, and nothing but the order "old session
// gone, then look" keeps it from happening.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/error.h"
#include "platform/mysql/transaction.h"
#include "platform/mysql/unknown_outcome.h"
#include "platform/status/error.h"
#include "tests/harness/database.h"
#include "tests/harness/mariadb_server.h"
#include "tests/harness/tcp_proxy.h"

namespace quartermaster::mysql {
namespace {

using testing::CutRule;
using testing::MariaDbServer;
using testing::TcpProxy;
using testing::TestDatabase;

const std::vector<Migration>& Schema() {
  static const std::vector<Migration> migrations = {
      {1, "traces", "CREATE TABLE traces (name VARCHAR(50) NOT NULL) ENGINE = InnoDB;"}};
  return migrations;
}

class MysqlUnknownOutcomeTest : public ::testing::Test {
 protected:
  // A server of its own, since it is paused and killed.
  static void SetUpTestSuite() {
    auto server = MariaDbServer::Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = std::move(*server).release();
    auto database = TestDatabase::Create(server_->connection_options(), Schema());
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = std::move(*database).release();
    // No more than a service has: it may kill and see the sessions of its own user, no others.
    const auto admin = Connection::Open(database_->options());
    ASSERT_TRUE((*admin)
                    ->ExecuteBatch({{"CREATE USER service@localhost"},
                                    {absl::StrCat("GRANT SELECT, INSERT, UPDATE, DELETE ON ",
                                                  database_->name(), ".* TO service@localhost")}})
                    .ok());
  }
  static void TearDownTestSuite() {
    delete database_;
    delete server_;
  }

  MysqlUnknownOutcomeTest() {
    database_->ClearTables();
    auto proxy = TcpProxy::Start({.upstream_socket = server_->socket(),
                                  .listen_socket = absl::StrCat(server_->socket(), ".proxy")});
    EXPECT_TRUE(proxy.ok()) << proxy.status();
    proxy_ = *std::move(proxy);
    ConnectionOptions options = database_->options();
    options.unix_socket = absl::StrCat(server_->socket(), ".proxy");
    options.user = "service";
    options.connect_timeout = absl::Seconds(3);
    options.read_timeout = absl::Seconds(3);
    pool_ = std::make_unique<Pool>(PoolOptions{.connection = options, .size_max = 4});
  }

  // Looks first, and writes if there is nothing.
  absl::Status LeaveTrace(Connection& connection) {
    sessions_.push_back(connection.session_id());
    QM_ASSIGN_OR_RETURN(const Rows found, connection.Query("SELECT name FROM traces"));
    found_.push_back(!found.empty());
    if (!found.empty()) return absl::OkStatus();
    return connection.Execute("INSERT INTO traces VALUES ('here')").status();
  }

  absl::Status Transact(TransactionOptions options = {}) {
    return InTransaction(
        *pool_, absl::Now() + absl::Seconds(10),
        [&](Connection& connection) { return LeaveTrace(connection); }, options);
  }

  // Counts past the proxy.
  static int64_t CountTraces() {
    const auto connection = Connection::Open(database_->options());
    if (!connection.ok()) return -1;
    const auto rows = (*connection)->Query("SELECT COUNT(*) FROM traces");
    return rows.ok() ? (*rows)[0].Int64(0) : -1;
  }

  inline static MariaDbServer* server_ = nullptr;
  inline static TestDatabase* database_ = nullptr;
  std::unique_ptr<TcpProxy> proxy_;
  std::unique_ptr<Pool> pool_;
  // Of each run of the body: its session, and whether it found the trace.
  std::vector<int64_t> sessions_;
  std::vector<bool> found_;
};

TEST_F(MysqlUnknownOutcomeTest, FindsWhatWasCommittedWhenOnlyTheAnswerIsLost) {
  proxy_->CutWhen({.bytes = "COMMIT"});

  const absl::Status done = Transact();

  EXPECT_TRUE(done.ok()) << done;
  EXPECT_EQ(proxy_->cut_count(), 1);
  EXPECT_EQ(found_, (std::vector<bool>{false, true}));
  EXPECT_EQ(CountTraces(), 1);
  EXPECT_EQ(pool_->transaction_counters().commit_open_count, 1);
  EXPECT_EQ(pool_->transaction_counters().outcome_unknown_count, 0);
}

TEST_F(MysqlUnknownOutcomeTest, WritesAgainWhenTheCommitNeverArrived) {
  proxy_->CutWhen({.bytes = "COMMIT", .is_forwarded = false});

  const absl::Status done = Transact();

  EXPECT_TRUE(done.ok()) << done;
  EXPECT_EQ(found_, (std::vector<bool>{false, false}));
  EXPECT_EQ(CountTraces(), 1);
}

TEST_F(MysqlUnknownOutcomeTest, SettlesACommitThatTravelsWithItsStatements) {
  // One answer for the INSERT, one for the COMMIT.
  proxy_->CutWhen({.bytes = "COMMIT", .answer_packet_count = 2});

  const absl::Status done =
      InTransaction(*pool_, absl::Now() + absl::Seconds(10), [&](Connection& connection) {
        QM_ASSIGN_OR_RETURN(const auto found,
                            connection.ExecuteBatch({{"SELECT name FROM traces"}}));
        found_.push_back(!found[0].empty());
        if (!found[0].empty()) return absl::OkStatus();
        return connection.ExecuteBatchAndCommit({{"INSERT INTO traces VALUES ('here')"}}).status();
      });

  EXPECT_TRUE(done.ok()) << done;
  EXPECT_EQ(found_, (std::vector<bool>{false, true}));
  EXPECT_EQ(CountTraces(), 1);
}

// The link breaks when the INSERT was answered and the COMMIT was not: the server may be killed
// between the two, or not, and both are well.
TEST_F(MysqlUnknownOutcomeTest, SettlesABatchThatBreaksBeforeItsCommit) {
  for (int round = 0; round < 20; ++round) {
    database_->ClearTables();
    proxy_->CutWhen({.bytes = "COMMIT"});
    std::vector<bool> found;

    const absl::Status done =
        InTransaction(*pool_, absl::Now() + absl::Seconds(10), [&](Connection& connection) {
          QM_ASSIGN_OR_RETURN(const auto seen,
                              connection.ExecuteBatch({{"SELECT name FROM traces"}}));
          found.push_back(!seen[0].empty());
          if (!seen[0].empty()) return absl::OkStatus();
          return connection.ExecuteBatchAndCommit({{"INSERT INTO traces VALUES ('here')"}})
              .status();
        });

    ASSERT_TRUE(done.ok()) << done;
    ASSERT_EQ(found.size(), 2u);
    ASSERT_EQ(CountTraces(), 1) << "round " << round << ", found " << found[1];
  }
}

// Goal: a COMMIT that is still under way when we look is not taken for one that never was.
// Method: the client's link breaks at once, the COMMIT reaches the server 700 ms later. Whoever
// looks without ending the old session first sees nothing, writes, and then the old one lands too.
TEST_F(MysqlUnknownOutcomeTest, EndsTheOldSessionBeforeItLooks) {
  proxy_->CutWhen(
      {.bytes = "COMMIT", .forward_after = absl::Milliseconds(700), .cuts_client_at_once = true});

  const absl::Status done = Transact();

  EXPECT_TRUE(done.ok()) << done;
  ASSERT_EQ(found_.size(), 2u);
  EXPECT_NE(sessions_[0], sessions_[1]);
  // Until the late COMMIT has arrived wherever it still can: then only the pool's own link is left.
  EXPECT_TRUE(testing::WaitUntil(absl::Now() + absl::Seconds(5),
                                 [&] { return proxy_->link_count() == 1; }));
  EXPECT_EQ(CountTraces(), 1);
}

// The server stands still with the COMMIT in its hands, and goes on two seconds later.
TEST_F(MysqlUnknownOutcomeTest, WaitsForAServerThatCommitsTwoSecondsLater) {
  proxy_->CutWhen({.bytes = "COMMIT", .cuts_client_at_once = true});
  std::thread resumer;
  const absl::Time begin = absl::Now();

  const absl::Status done =
      InTransaction(*pool_, absl::Now() + absl::Seconds(10), [&](Connection& connection) {
        const absl::Status left = LeaveTrace(connection);
        if (sessions_.size() == 1) {
          server_->Pause();
          resumer = std::thread([begin] {
            testing::WaitUntil(begin + absl::Seconds(2), [] { return false; });
            server_->Resume();
          });
        }
        return left;
      });
  resumer.join();

  EXPECT_TRUE(done.ok()) << done;
  EXPECT_GE(absl::Now() - begin, absl::Seconds(2));
  ASSERT_EQ(found_.size(), 2u);
  EXPECT_EQ(CountTraces(), 1);
}

// A commit held up inside the server by a global read lock: the session is there, fresh connections
// work, and the process list shows it until it has ended.
TEST_F(MysqlUnknownOutcomeTest, SettlesACommitThatIsStuckInTheServer) {
  const auto admin = Connection::Open(database_->options());
  ASSERT_TRUE(admin.ok()) << admin.status();
  proxy_->CutWhen({.bytes = "COMMIT", .cuts_client_at_once = true});

  const absl::Status done =
      InTransaction(*pool_, absl::Now() + absl::Seconds(10), [&](Connection& connection) {
        if (!sessions_.empty()) {
          EXPECT_TRUE((*admin)->Execute("UNLOCK TABLES").ok());
        }
        QM_RETURN_IF_ERROR(LeaveTrace(connection));
        if (sessions_.size() == 1) {
          EXPECT_TRUE((*admin)->Execute("FLUSH TABLES WITH READ LOCK").ok());
        }
        return absl::OkStatus();
      });

  EXPECT_TRUE(done.ok()) << done;
  EXPECT_EQ(found_.size(), 2u);
  EXPECT_EQ(CountTraces(), 1);
}

TEST_F(MysqlUnknownOutcomeTest, SaysUnknownWhenTheOldSessionCannotBeSeenToBeGone) {
  proxy_->CutWhen({.bytes = "COMMIT", .cuts_client_at_once = true});
  const absl::Time begin = absl::Now();

  const absl::Status done = InTransaction(*pool_, absl::Now() + absl::Seconds(10),
                                          [&](Connection& connection) {
                                            const absl::Status left = LeaveTrace(connection);
                                            server_->Pause();
                                            return left;
                                          },
                                          {.commit_resolution_max = absl::Seconds(1)});
  const absl::Duration took = absl::Now() - begin;
  server_->Resume();

  EXPECT_TRUE(absl::IsUnavailable(done)) << done;
  EXPECT_EQ(status::GetReason(done), "OUTCOME_UNKNOWN");
  EXPECT_EQ(sessions_.size(), 1u) << "run again although nobody knows";
  EXPECT_EQ(pool_->transaction_counters().outcome_unknown_count, 1);
  EXPECT_LT(took, absl::Seconds(5));
  // It was committed after all, as soon as the server went on; the same request finds it.
  ASSERT_TRUE(
      testing::WaitUntil(absl::Now() + absl::Seconds(5), [] { return CountTraces() == 1; }));
  EXPECT_TRUE(Transact().ok());
  EXPECT_EQ(CountTraces(), 1);
}

TEST_F(MysqlUnknownOutcomeTest, SaysUnknownWhenTheRerunCannotLook) {
  proxy_->CutWhen({.bytes = "COMMIT"});

  const absl::Status done =
      InTransaction(*pool_, absl::Now() + absl::Seconds(10), [&](Connection& connection) {
        if (sessions_.size() == 1) proxy_->CutNow();
        return LeaveTrace(connection);
      });

  // The first run may be in the books, so "nothing happened" would be a lie.
  EXPECT_EQ(status::GetReason(done), "OUTCOME_UNKNOWN") << done;
  EXPECT_EQ(CountTraces(), 1);
}

TEST_F(MysqlUnknownOutcomeTest, TrustsARefusalThatWasMadeAfterALook) {
  proxy_->CutWhen({.bytes = "COMMIT", .is_forwarded = false});

  const absl::Status done =
      InTransaction(*pool_, absl::Now() + absl::Seconds(10), [&](Connection& connection) {
        QM_RETURN_IF_ERROR(LeaveTrace(connection));
        return sessions_.size() == 1 ? absl::OkStatus()
                                     : absl::FailedPreconditionError("not enough any more");
      });

  EXPECT_TRUE(absl::IsFailedPrecondition(done)) << done;
  EXPECT_EQ(CountTraces(), 0);
}

TEST_F(MysqlUnknownOutcomeTest, SurvivesACrashOfTheServerDuringTheCommit) {
  std::thread killer;
  proxy_->CutWhen({.bytes = "COMMIT", .cuts_client_at_once = true});
  ASSERT_TRUE(pool_->Acquire(absl::Now() + absl::Seconds(5)).ok());

  const absl::Status done =
      InTransaction(*pool_, absl::Now() + absl::Seconds(10),
                    [&](Connection& connection) {
                      const absl::Status left = LeaveTrace(connection);
                      if (sessions_.size() == 1) server_->Kill9();
                      if (!killer.joinable()) {
                        killer = std::thread([] { EXPECT_TRUE(server_->Restart().ok()); });
                      }
                      return left;
                    },
                    {.commit_resolution_max = absl::Seconds(20)});
  killer.join();

  EXPECT_TRUE(done.ok()) << done;
  EXPECT_EQ(CountTraces(), 1);
}

// A session that has been told to die may take its time: here it has a lot to undo. As long as it
// is in the list, what it was doing may still come out either way.
TEST_F(MysqlUnknownOutcomeTest, WaitsUntilTheKilledSessionIsGone) {
  const auto admin = Connection::Open(database_->options());
  ASSERT_TRUE(admin.ok()) << admin.status();
  const auto lost = pool_->OpenFresh(absl::Seconds(5));
  ASSERT_TRUE(lost.ok()) << lost.status();
  ASSERT_TRUE((*lost)
                  ->ExecuteBatch({{"START TRANSACTION"},
                                  {"INSERT INTO traces SELECT seq FROM seq_1_to_100000"}})
                  .ok());

  const absl::Status ended = AwaitEnd(*pool_, {(*lost)->session_id(), (*lost)->server_name()},
                                      absl::Now() + absl::Seconds(20));

  EXPECT_TRUE(ended.ok()) << ended;
  const auto left = (*admin)->Query(absl::StrCat(
      "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = ", (*lost)->session_id()));
  EXPECT_EQ((*left)[0].Int64(0), 0);
}

TEST_F(MysqlUnknownOutcomeTest, DoesNotBelieveAnotherServer) {
  const auto connection = pool_->OpenFresh(absl::Seconds(5));
  ASSERT_TRUE(connection.ok()) << connection.status();
  const absl::Time until = absl::Now() + absl::Seconds(5);

  EXPECT_FALSE(AwaitEnd(*pool_, {1, "elsewhere:3306/2/x"}, until).ok());
  // A session that ended long ago is gone.
  EXPECT_TRUE(AwaitEnd(*pool_, {999999, (*connection)->server_name()}, until).ok());
}

}  // namespace
}  // namespace quartermaster::mysql
