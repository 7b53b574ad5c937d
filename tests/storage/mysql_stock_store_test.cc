// Holds the tables to the contract, and to what only tables can get wrong.

#include "inventory-svc/storage/mysql_stock_store.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <memory>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "inventory-svc/domain/names.h"
#include "inventory-svc/lanes/turn_runner.h"
#include "inventory-svc/storage/movement_hash.h"
#include "inventory-svc/storage/mysql_stock_book.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/transaction.h"
#include "tests/harness/invariants.h"
#include "tests/harness/ledger_database.h"
#include "tests/harness/tcp_proxy.h"
#include "tests/storage/movement_drafts.h"
#include "tests/storage/store_contract.h"

namespace quartermaster::inventory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Both ends of 500 lines.
constexpr size_t kLockedBalanceCountMax = 1000;

class MysqlUnderTest final : public StoreUnderTest {
 public:
  StockStore& store() override { return store_; }

  bool IsAnyoneWaiting() override {
    const auto connection = pool_.Acquire(absl::Now() + absl::Seconds(30));
    if (!connection.ok()) return false;
    // In this database alone: other tests use the same server.
    const auto rows = (*connection)
                          ->Query(
                              "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE db = "
                              "DATABASE() AND id <> CONNECTION_ID() AND info LIKE '%FOR UPDATE%'");
    EXPECT_TRUE(rows.ok()) << rows.status();
    return rows.ok() && (*rows)[0].Int64(0) > 0;
  }

  int64_t rerun_count() override {
    return pool_.transaction_counters().rerun_count - rerun_count_before_;
  }

  void MakeTransfer(const base::Uuid& transfer_id) override {
    const auto connection = pool_.Acquire(absl::Now() + absl::Seconds(30));
    ASSERT_TRUE(connection.ok()) << connection.status();
    for (const char* sql :
         {"INSERT INTO records (record_id, record_time, occurred_time, caller, method, resource, "
          "request_id, after_hash, trace_id) VALUES (?, NOW(6), NOW(6), '', '', ?, '', '', '')",
          "INSERT INTO document_versions (record_id, record_time, resource, version, state, actor, "
          "snapshot) SELECT record_id, record_time, resource, 1, 'ON_THE_WAY', '', '' FROM records "
          "WHERE record_id = ? AND resource = ?"}) {
      const auto done =
          (*connection)->Execute(sql, {transfer_id.ToBytes(), TransferName(transfer_id)});
      ASSERT_TRUE(done.ok()) << done.status();
    }
  }

  void MakeDocumentRequest(const RequestKey& request) override {
    MakeTransfer(request.request_id);
    const auto connection = pool_.Acquire(absl::Now() + absl::Seconds(30));
    ASSERT_TRUE(connection.ok()) << connection.status();
    const auto done =
        (*connection)
            ->Execute(
                "INSERT INTO requests (caller, request_id, method, content_hash, "
                "resource, version) VALUES (?, ?, '', '', ?, 1)",
                {request.caller, request.request_id.ToBytes(), TransferName(request.request_id)});
    ASSERT_TRUE(done.ok()) << done.status();
  }

  std::vector<std::string> Violations() override { return testing::FindBookViolations(pool_); }

 private:
  mysql::Pool& pool_ = EmptyLedgerDatabase();
  const int64_t rerun_count_before_ = pool_.transaction_counters().rerun_count;
  MysqlStockStore store_{pool_};
};

std::unique_ptr<StoreUnderTest> MakeMysql() { return std::make_unique<MysqlUnderTest>(); }

INSTANTIATE_TEST_SUITE_P(Mysql, StockStoreContract, ::testing::Values(&MakeMysql));

// Makes 5000 balances and returns the numbers of every fifth: as many as one movement can lock.
std::vector<int64_t> ManyBalances(mysql::Pool& pool) {
  const auto connection = pool.Acquire(Soon());
  EXPECT_TRUE(connection.ok());
  EXPECT_TRUE(
      (*connection)
          ->Execute("INSERT INTO balances (location_id, state, holder, lot_id, unit_id, item_id) "
                    "SELECT 1, 17, UNHEX(LPAD(HEX(seq), 32, '0')), 1, 2, 1 FROM seq_1_to_5000")
          .ok());
  const auto rows = (*connection)
                        ->Query(
                            "SELECT balance_id FROM balances WHERE balance_id % 5 = 0 ORDER BY "
                            "balance_id");
  EXPECT_TRUE(rows.ok());
  std::vector<int64_t> ids;
  for (const mysql::Row row : *rows) ids.push_back(row.Int64(0));
  EXPECT_EQ(ids.size(), kLockedBalanceCountMax);
  return ids;
}

// Goal: who makes rows outlives a deadlock, which another's transaction can always cause.
// Method: a transaction, made heavy so that the database picks the other, holds the second of two
// rows while somebody makes both, and then asks for the first.
TEST(MysqlStockStoreTest, MakesBalancesAgainAfterADeadlock) {
  mysql::Pool& pool = EmptyLedgerDatabase();
  MysqlStockStore store(pool);
  const BalanceKey first = KeyOf(kDepotId, State::kAvailable);
  const BalanceKey second = KeyOf(kDepotId, State::kQuarantine);
  const auto insert = [](const BalanceKey& key) {
    return absl::StrCat("INSERT INTO balances (location_id, state, holder, lot_id, unit_id, ",
                        "item_id) VALUES (", ToNumber(key.location), ",",
                        static_cast<int>(key.state), ",REPEAT(CHAR(0), 16),", ToNumber(key.lot),
                        ",2,1)");
  };
  const auto is_anyone_waiting = [&] {
    const auto connection = pool.Acquire(Soon());
    // Two rows take no time, so one that takes some waits. Other tests use the same server.
    const auto rows = (*connection)
                          ->Query(
                              "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE db = "
                              "DATABASE() AND info LIKE 'INSERT IGNORE%' AND time_ms > 200");
    return rows.ok() && (*rows)[0].Int64(0) > 0;
  };
  const int64_t reruns_before = pool.transaction_counters().rerun_count;
  absl::Status made;
  std::thread maker;

  const absl::Status held =
      mysql::InTransaction(pool, Soon(), [&](mysql::Connection& connection) -> absl::Status {
        QM_RETURN_IF_ERROR(
            connection
                .Execute("INSERT INTO balances (location_id, state, holder, lot_id, unit_id, "
                         "item_id) SELECT 1, 17, UNHEX(LPAD(HEX(seq), 32, '0')), 1, 2, 1 FROM "
                         "seq_1_to_500")
                .status());
        QM_RETURN_IF_ERROR(connection.Execute(insert(second)).status());
        maker = std::thread([&] {
          const mysql::DatabaseThread database_thread;
          made = store.MakeBalances(Soon(), {first, second});
        });
        for (const absl::Time until = Soon(); !is_anyone_waiting() && absl::Now() < until;) {
          absl::SleepFor(absl::Milliseconds(1));
        }
        return connection.Execute(insert(first)).status();
      });
  maker.join();

  EXPECT_TRUE(held.ok()) << held;
  EXPECT_TRUE(made.ok()) << made;
  EXPECT_GE(pool.transaction_counters().rerun_count - reruns_before, 1);
}

// Goal: one request never posts and writes a document, however closely the two meet.
// Method: the document commits before the posting begins, or after it has looked for its request
// and before it writes. Nothing is posted, and the next run sees why.
TEST(MysqlStockStoreTest, APostingMeetsTheDocumentThatHasItsRequest) {
  for (const bool is_before : {true, false}) {
    MysqlUnderTest under_test;
    const Draft draft;
    const RequestKey request = {.caller = draft.caller, .request_id = RequestId(draft.request)};
    ASSERT_TRUE(under_test.store().MakeBalances(Soon(), {draft.source, draft.destination}).ok());
    if (is_before) under_test.MakeDocumentRequest(request);
    std::vector<bool> found_by_run;

    const absl::Status status =
        under_test.store().Atomically(Soon(), [&](StockBook& book) -> absl::Status {
          QM_ASSIGN_OR_RETURN(Found found,
                              book.LockAndFind({.balances = {draft.source, draft.destination},
                                                .requests = {request}}));
          found_by_run.push_back(found.requests.contains(request));
          if (found_by_run.back()) return absl::OkStatus();
          if (!is_before) under_test.MakeDocumentRequest(request);
          return book.RecordAndCommit(MakeRecord(draft, RequestId(7), std::move(found.balances)));
        });

    EXPECT_TRUE(status.ok()) << status;
    EXPECT_THAT(found_by_run, ElementsAre(false, true));
    EXPECT_FALSE(under_test.store().FindMovement(Soon(), RequestId(7))->has_value());
    EXPECT_THAT(under_test.Violations(), IsEmpty());
  }
}

// A scan in place of the range would lock what it reads in another order, or all there is.
TEST(MysqlStockBookTest, LockingReadWalksThePrimaryKeyAtItsLargest) {
  mysql::Pool& pool = EmptyLedgerDatabase();
  const std::vector<int64_t> ids = ManyBalances(pool);
  const auto connection = pool.Acquire(Soon());
  ASSERT_TRUE(connection.ok());

  for (const std::string& statement : LockBalancesStatements(ids)) {
    const auto plan = (*connection)->Query(absl::StrCat("EXPLAIN ", statement));

    ASSERT_TRUE(plan.ok()) << plan.status();
    ASSERT_EQ(plan->size(), 1) << "the list was turned into a table of its own";
    EXPECT_EQ((*plan)[0].String(3), "range");
    EXPECT_EQ((*plan)[0].String(5), "PRIMARY");
    EXPECT_THAT((*plan)[0].String(9), Not(HasSubstr("filesort")));
  }
}

TEST(MysqlStockBookTest, LockingReadLocksTheRowsItReturnsAndNoOthers) {
  mysql::Pool& pool = EmptyLedgerDatabase();
  const std::vector<int64_t> ids = ManyBalances(pool);
  std::vector<int64_t> locked;
  uint64_t locked_row_count = 0;

  const absl::Status status =
      mysql::InTransaction(pool, Soon(), [&](mysql::Connection& connection) -> absl::Status {
        locked.clear();
        for (const std::string& statement : LockBalancesStatements(ids)) {
          QM_ASSIGN_OR_RETURN(const mysql::Rows rows, connection.Query(statement));
          for (const mysql::Row row : rows) locked.push_back(row.Int64(0));
        }
        QM_ASSIGN_OR_RETURN(
            const mysql::Rows rows,
            connection.Query("SELECT trx_rows_locked FROM information_schema.INNODB_TRX WHERE "
                             "trx_mysql_thread_id = CONNECTION_ID()"));
        locked_row_count = rows[0].Uint64(0);
        return absl::OkStatus();
      });

  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(locked, ids);
  EXPECT_EQ(locked_row_count, ids.size());
}

// A turn looks for as many requests as it has postings, of as many callers.
TEST(MysqlStockBookTest, LookUpOfRequestsWalksTheUniqueKeysAtItsLargest) {
  mysql::Pool& pool = EmptyLedgerDatabase();
  const auto connection = pool.Acquire(Soon());
  ASSERT_TRUE(connection.ok());
  // Of an empty table all plans are alike.
  for (const char* sql :
       {"INSERT INTO movements (movement_id, caller, request_id, content_hash, reason, "
        "occurred_time, record_time) SELECT UNHEX(LPAD(HEX(seq), 32, '0')), "
        "CONCAT('persons/clerk-', "
        "100 + seq % 64), UNHEX(LPAD(HEX(seq), 32, '0')), '', 1, NOW(6), NOW(6) FROM "
        "seq_1_to_20000",
        "INSERT INTO requests (caller, request_id, method, content_hash, resource, version) SELECT "
        "caller, request_id, '', '', '', 1 FROM movements",
        "ANALYZE TABLE movements, requests"}) {
    const auto done = (*connection)->Query(sql);
    ASSERT_TRUE(done.ok()) << done.status();
  }
  std::vector<RequestKey> requests;
  for (int caller = 0; caller < 64; ++caller) {
    for (uint64_t request = 0; request < 4; ++request) {
      requests.push_back({absl::StrCat("persons/clerk-", 100 + caller), RequestId(request)});
    }
  }

  for (auto [statement, key] :
       {std::pair(FindPostedStatement(requests), "uk_movements_caller_request_id"),
        std::pair(FindDocumentRequestsStatement(requests), "PRIMARY")}) {
    statement.sql = "EXPLAIN " + statement.sql;
    const auto plan = (*connection)->ExecuteBatch({statement});

    ASSERT_TRUE(plan.ok()) << plan.status();
    ASSERT_EQ(plan->front().size(), 1);
    EXPECT_EQ(plan->front()[0].String(3), "range") << key;
    EXPECT_EQ(plan->front()[0].String(5), key);
  }
}

// Begin, lock and look up; write and commit. Whoever waits for a turn waits for its round trips.
TEST(MysqlStockStoreTest, TurnIsTwoRoundTripsWhateverItsSize) {
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
TEST(MysqlStockStoreTest, LanesOnTheSameAccountsNeverDeadlock) {
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

// What is remembered is a copy; forgetting it costs a look, never a refusal.
TEST(MysqlStockStoreTest, PostsWithoutRememberingAnything) {
  mysql::Pool& pool = EmptyLedgerDatabase();
  MysqlStockStore store(pool, {.cached_balance_count_max = 1, .cached_lot_count_max = 1});
  const ManualClock clock;
  CountingUuids uuids(clock);
  LedgerWorld world;
  StockLedger ledger(store, world.units(), world.items(), clock, uuids);

  for (uint64_t request = 1; request <= 3; ++request) {
    const auto posted = ledger.PostMovement(CallBy(), AReceipt(5, request));
    EXPECT_TRUE(posted.ok()) << posted.status();
  }

  EXPECT_THAT(testing::FindBookViolations(pool), IsEmpty());
}

// Goal: who sees a movement's record and a part of its lines cannot guess the rest, and who has the
// books can tell that it is the movement that was sealed.
TEST(MysqlStockStoreTest, HashesOfMovementsAreSaltedWithWhatTheBooksKeep) {
  mysql::Pool& pool = EmptyLedgerDatabase();
  MysqlStockStore store(pool);
  const base::SystemClock clock;
  base::UuidSource uuids(clock);
  LedgerWorld world;
  StockLedger ledger(store, world.units(), world.items(), clock, uuids);
  PostMovementCommand with_note = AReceipt(5, 2);
  with_note.note = "by night";
  std::set<std::string> salts;

  for (const PostMovementCommand& command : {AReceipt(5, 1), with_note}) {
    const absl::StatusOr<Movement> movement = ledger.PostMovement(CallBy(), command);
    ASSERT_TRUE(movement.ok()) << movement.status();
    const auto connection = pool.Acquire(Soon());
    const auto rows =
        (*connection)
            ->Query(
                "SELECT r.after_hash, m.salt, COALESCE(n.salt, '') FROM records r JOIN movements "
                "m ON m.movement_id = r.record_id LEFT JOIN notes n ON n.movement_id = "
                "m.movement_id WHERE m.movement_id = ?",
                {movement->movement_id.ToBytes()});
    ASSERT_TRUE(rows.ok()) << rows.status();
    const std::string sealed = (*rows)[0].String(0);
    const MovementSalts kept = {.movement = (*rows)[0].String(1), .note = (*rows)[0].String(2)};
    const auto hash = [&](const MovementSalts& with) {
      const base::Sha256Digest digest = HashMovement(*movement, with);
      return std::string(digest.begin(), digest.end());
    };

    EXPECT_EQ(kept.movement.size(), 16);
    EXPECT_TRUE(salts.insert(kept.movement).second);
    EXPECT_EQ(sealed, hash(kept));
    EXPECT_NE(sealed, hash({.note = kept.note}));
  }
}

// A replica that was started later knows nothing of what others made and posted.
TEST(MysqlStockStoreTest, TwoReplicasKeepOneSetOfBooks) {
  mysql::Pool& pool = EmptyLedgerDatabase();
  MysqlStockStore first(pool);
  MysqlStockStore second(pool);
  const base::SystemClock clock;
  base::UuidSource uuids(clock);
  LedgerWorld world;
  StockLedger here(first, world.units(), world.items(), clock, uuids);
  StockLedger there(second, world.units(), world.items(), clock, uuids);

  const auto received = here.PostMovement(CallBy(), AReceipt(5, 1));
  const auto consumed = there.PostMovement(CallBy(), AConsumption(3, 2));
  const auto replayed = there.PostMovement(CallBy(), AReceipt(5, 1));
  const auto reversed = there.ReverseMovement(
      CallBy(), {.movement_id = consumed->movement_id, .request_id = RequestId(3)});

  ASSERT_TRUE(received.ok() && consumed.ok() && replayed.ok() && reversed.ok());
  EXPECT_EQ(replayed->movement_id, received->movement_id);
  EXPECT_EQ(replayed->record_time, received->record_time);
  EXPECT_THAT(testing::FindBookViolations(pool), IsEmpty());
}

}  // namespace
}  // namespace quartermaster::inventory
