// Turns of lanes over the real tables: what they cost, what ends them, and that they do not
// deadlock.

#include <gmock/gmock.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "inventory-svc/lanes/turn_runner.h"
#include "inventory-svc/storage/mysql_stock_store.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/transaction.h"
#include "tests/harness/invariants.h"
#include "tests/harness/ledger_database.h"
#include "tests/harness/tcp_proxy.h"
#include "tests/storage/movement_drafts.h"

namespace quartermaster::inventory {
namespace {

using ::testing::IsEmpty;

// Begin, lock and look up; write and commit. Whoever waits for a turn waits for its round trips.
TEST(MysqlStockTurnsTest, TurnIsTwoRoundTripsWhateverItsSize) {
  mysql::Pool one_connection(
      {.connection = EmptyLedgerDatabase().options().connection, .size_max = 1});
  const auto round_trip_count = [&] {
    return (*one_connection.Acquire(Soon()))->round_trip_count();
  };
  MysqlStockStore store(one_connection);
  const base::SystemClock clock;
  base::UuidSource uuids(clock);
  LedgerWorld world;
  StockLedger ledger(store, world.units(), world.items(), clock, uuids);
  TurnRunner runner(store, ledger, clock, {});
  uint64_t last_request = 0;
  const auto run = [&](int size) {
    std::vector<PendingPosting> postings;
    for (int i = 0; i < size; ++i) {
      postings.push_back(*ledger.PreparePosting(CallBy(), AReceipt(5, ++last_request)));
    }
    Turn turn;
    for (const PendingPosting& posting : postings) turn.push_back(&posting);
    for (const PostingAnswer& answer : runner.Run(turn))
      EXPECT_TRUE(answer.ok()) << answer.status();
  };
  run(1);  // Makes the balances.

  for (const int size : {1, 64, 256}) {
    const int64_t before = round_trip_count();
    run(size);
    EXPECT_EQ(round_trip_count() - before, 2) << size;
  }

  EXPECT_THAT(testing::FindBookViolations(one_connection), IsEmpty());
}

class StalledTurnTest : public ::testing::Test {
 protected:
  static constexpr absl::Duration kTurnTimeMax = absl::Seconds(2);

  // Runs a turn of one posting and returns its answer; a turn that takes much longer than its limit
  // is an error.
  PostingAnswer RunTurn() {
    const PendingPosting posting = *ledger_.PreparePosting(CallBy(), AReceipt(5, ++last_request_));
    const absl::Time begin = absl::Now();
    std::vector<PostingAnswer> answers = runner_.Run({&posting});
    EXPECT_LT(absl::Now() - begin, 4 * kTurnTimeMax);
    return std::move(answers.front());
  }

  mysql::Pool& direct_ = EmptyLedgerDatabase();
  const std::string socket_ =
      absl::StrCat(direct_.options().connection.unix_socket, ".", getpid(), ".stall");
  std::unique_ptr<testing::TcpProxy> proxy_ = *testing::TcpProxy::Start(
      {.upstream_socket = direct_.options().connection.unix_socket, .listen_socket = socket_});
  mysql::Pool pool_{{.connection =
                         [&] {
                           mysql::ConnectionOptions options = direct_.options().connection;
                           options.unix_socket = socket_;
                           options.lock_wait_timeout = absl::Seconds(30);
                           return ForTurns(options, kTurnTimeMax);
                         }(),
                     .size_max = 1}};
  MysqlStockStore store_{pool_, {.transaction = {.reruns_lock_waits = false}}};
  const base::SystemClock clock_;
  base::UuidSource uuids_{clock_};
  LedgerWorld world_;
  StockLedger ledger_{store_, world_.units(), world_.items(), clock_, uuids_};
  TurnRunner runner_{store_, ledger_, clock_, {.time_max = kTurnTimeMax}};
  uint64_t last_request_ = 0;
};

// Goal: a database that falls silent, or cannot be reached any more, does not hold a lane.
TEST_F(StalledTurnTest, SilenceEndsTheTurnAtItsOwnLimit) {
  ASSERT_TRUE(RunTurn().ok());
  proxy_->Stall();

  const PostingAnswer silent = RunTurn();
  const PostingAnswer unreachable = RunTurn();
  proxy_->Pass();
  const PostingAnswer after = RunTurn();

  EXPECT_TRUE(absl::IsUnavailable(silent.status())) << silent.status();
  EXPECT_TRUE(absl::IsUnavailable(unreachable.status())) << unreachable.status();
  EXPECT_TRUE(after.ok()) << after.status();
  EXPECT_THAT(testing::FindBookViolations(direct_), IsEmpty());
}

// Goal: nor does a statement that the database is at work on: one that waits for a lock, say, where
// the wait for locks is set long.
TEST_F(StalledTurnTest, AStatementThatTakesTooLongEndsTheTurnAtItsOwnLimit) {
  ASSERT_TRUE(RunTurn().ok());
  PostingAnswer held = absl::UnknownError("");

  const absl::Status holder =
      mysql::InTransaction(direct_, Soon(), [&](mysql::Connection& connection) -> absl::Status {
        QM_RETURN_IF_ERROR(connection.Query("SELECT balance_id FROM balances FOR UPDATE").status());
        held = RunTurn();
        return absl::OkStatus();
      });

  ASSERT_TRUE(holder.ok()) << holder;
  EXPECT_TRUE(absl::IsDeadlineExceeded(held.status())) << held.status();
  EXPECT_TRUE(RunTurn().ok());
  EXPECT_THAT(testing::FindBookViolations(direct_), IsEmpty());
}

// Goal: turns that lock the same rows, each in an order of its own, wait for each other and never
// in a circle. Method: four lanes move pieces to and fro between two places; the database counts.
TEST(MysqlStockTurnsTest, LanesOnTheSameAccountsNeverDeadlock) {
  constexpr int kLaneCount = 4;
  constexpr int kTurnCount = 25;
  constexpr int kTurnSize = 8;
  mysql::Pool& pool = EmptyLedgerDatabase();
  MysqlStockStore store(pool);
  const base::SystemClock clock;
  base::UuidSource uuids(clock);
  LedgerWorld world;
  StockLedger ledger(store, world.units(), world.items(), clock, uuids);
  TurnRunner runner(store, ledger, clock, {});
  for (const auto& [place, request] : {std::pair(kDepot, 1), std::pair(kShelf, 2)}) {
    ASSERT_TRUE(ledger.PostMovement(CallBy(), AReceipt(10'000, request, place)).ok());
  }
  const int64_t reruns_before = pool.transaction_counters().rerun_count;
  std::vector<std::thread> lanes;

  for (int lane = 0; lane < kLaneCount; ++lane) {
    lanes.emplace_back([&, lane] {
      const mysql::DatabaseThread database_thread;
      auto request = static_cast<uint64_t>(1000 * (lane + 1));
      for (int i = 0; i < kTurnCount; ++i) {
        std::vector<PendingPosting> postings;
        for (int j = 0; j < kTurnSize; ++j) {
          const bool is_there = (lane + j) % 2 == 0;
          MovementLine line =
              ALine(kMasks, is_there ? kDepot : kShelf, State::kAvailable, State::kAvailable, 1);
          line.destination.location = is_there ? kShelf : kDepot;
          postings.push_back(*ledger.PreparePosting(
              CallBy(),
              {.reason = Reason::kRelocate, .lines = {line}, .request_id = RequestId(++request)}));
        }
        Turn turn;
        for (const PendingPosting& posting : postings) turn.push_back(&posting);
        for (const PostingAnswer& answer : runner.Run(turn)) {
          EXPECT_TRUE(answer.ok()) << answer.status();
        }
      }
    });
  }
  for (std::thread& lane : lanes) lane.join();

  EXPECT_EQ(pool.transaction_counters().rerun_count, reruns_before);
  EXPECT_THAT(testing::FindBookViolations(pool), IsEmpty());
}

}  // namespace
}  // namespace quartermaster::inventory
