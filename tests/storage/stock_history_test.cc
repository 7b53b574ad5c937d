// Goal: what the books say of any past moment, on either clock or on both, is what a full sum over
// all lines says; and once said it stays said.
// Method: seeded random histories of receipts, uses and reversals, many of them on papers that come
// late by days or years, with the sealing and the history in between at random. Answers are
// compared with a sum over the movements that knows no checkpoint and no index, and asked for again
// later. QM_HISTORY_SEED=<seed> replays one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "inventory-svc/domain/stock_ledger.h"
#include "inventory-svc/storage/history_rows.h"
#include "inventory-svc/storage/history_writer.h"
#include "inventory-svc/storage/mysql_stock_history.h"
#include "inventory-svc/storage/mysql_stock_store.h"
#include "platform/records/sealer.h"
#include "platform/telemetry/metrics.h"
#include "tests/harness/invariants.h"
#include "tests/harness/ledger_database.h"
#include "tests/harness/ledger_world.h"
#include "tests/storage/history_turns.h"

namespace quartermaster::inventory {
namespace {

using ::testing::IsEmpty;

absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

uint64_t Seed() {
  const char* text = std::getenv("QM_HISTORY_SEED");
  uint64_t seed = 20200126;
  if (text != nullptr) {
    EXPECT_TRUE(absl::SimpleAtoi(text, &seed)) << text;
  }
  return seed;
}

// What each balance held, those that held something: what two ways of asking are compared by.
using Held = std::map<int64_t, int64_t>;

std::string ToText(const AsOf& as_of) {
  const auto text = [](const std::optional<absl::Time>& time) {
    return time.has_value() ? absl::FormatTime(absl::RFC3339_full, *time, absl::UTCTimeZone())
                            : std::string("-");
  };
  return absl::StrCat("recorded ", text(as_of.record_time), ", occurred ",
                      text(as_of.occurred_time));
}

// A replica that posts by a clock of its own.
struct Clerk {
  Clerk(LedgerWorld& world, mysql::Pool& pool, const base::Clock& clock, uint64_t first_id)
      : uuids(clock, first_id),
        store(pool),
        ledger(store, world.units(), world.items(), clock, uuids) {}

  CountingUuids uuids;
  MysqlStockStore store;
  StockLedger ledger;
};

class StockHistoryTest : public ::testing::Test {
 protected:
  StockHistoryTest()
      : pool_(EmptyLedgerDatabase()),
        clerk_(world_, pool_, clock_, 1),
        fast_clerk_(world_, pool_, fast_clock_, 1'000'000),
        sealer_(pool_, clock_, sealer_uuids_, {.block_records_max = 9}, metrics_),
        writer_(pool_, clock_, WriterOptions()),
        other_writer_(pool_, clock_, WriterOptions()),
        history_(pool_, pool_) {
    fast_clock_.Advance(absl::Hours(1));
  }

  void TearDown() override { EXPECT_THAT(testing::FindBookViolations(pool_), IsEmpty()); }

  static HistoryWriter::Options WriterOptions() {
    return {.batch_records_max = 7,
            // A posting of this very instant is not late.
            .settle_time = absl::Microseconds(1),
            .close_interval = absl::ZeroDuration(),
            .checkpoint_balances_max = 3};
  }

  int Below(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }

  void Advance(absl::Duration by) {
    clock_.Advance(by);
    fast_clock_.Advance(by);
  }

  // Papers come in at once, some days late, or years.
  absl::Time SomeOccurredTime() {
    const absl::Time now = clock_.Now();
    switch (Below(4)) {
      case 0:
        return now - absl::Hours(Below(24 * 1000));
      case 1:
        return now - absl::Hours(Below(24 * 6)) - absl::Microseconds(Below(1000));
      default:
        return now;
    }
  }

  // Posts something at random by one of the clerks; most of it can be posted.
  void PostSomething(bool may_be_fast) {
    Clerk& clerk = may_be_fast && Below(2) == 0 ? fast_clerk_ : clerk_;
    const std::vector<const char*> places = {kDepot, kShelf, kRoom};
    const char* place = places[static_cast<size_t>(Below(3))];
    const char* lot = Below(2) == 0 ? kMasks : kOtherMasks;
    absl::StatusOr<Movement> posted;
    if (Below(5) == 0 && !movements_.empty()) {
      posted = clerk.ledger.ReverseMovement(
          CallBy(),
          {.movement_id =
               movements_[static_cast<size_t>(Below(static_cast<int>(movements_.size())))],
           .note = "记错了",
           .request_id = RequestId(++request_count_)});
    } else {
      PostMovementCommand command = Below(2) == 0
                                        ? AReceipt(1 + Below(50), ++request_count_, place, lot)
                                        : AConsumption(1 + Below(20), ++request_count_, place, lot);
      command.occurred_time = SomeOccurredTime();
      posted = clerk.ledger.PostMovement(CallBy(), command);
    }
    if (posted.ok()) movements_.push_back(posted->movement_id);
  }

  void Seal() {
    const absl::StatusOr<int> sealed = sealer_.TakeTurn();
    ASSERT_TRUE(sealed.ok()) << sealed.status();
  }

  // Either replica's writer does; each remembers what the other does not know.
  void TakeTurn() {
    const auto turn = (Below(3) == 0 ? other_writer_ : writer_).TakeTurn();
    ASSERT_TRUE(turn.ok()) << turn.status();
  }

  // Seals everything and takes it in.
  void CatchUp() { SealAndTakeIn(sealer_, writer_); }

  mysql::Rows Query(const std::string& sql) { return QueryRows(pool_, sql); }

  // Every answer of the history for a moment, inside and outside.
  Held Ask(const Moment& moment) {
    Held held;
    std::vector<std::optional<State>> states = {std::nullopt, State::kSupplier, State::kConsumed};
    for (const auto& state : states) {
      BalanceQuery query{.state = state, .limit = 2};
      for (const char* unit : {"units/east", "units/west"}) {
        query.units.push_back(*world_.units().tree()->Find(unit));
      }
      while (true) {
        const auto page = history_.ListBalances(Soon(), query, moment);
        EXPECT_TRUE(page.ok()) << page.status();
        if (!page.ok() || page->empty()) break;
        for (const BalanceRow& row : *page) held[ToNumber(row.id)] = row.quantity;
        query.after = page->back().id;
      }
    }
    return held;
  }

  Held Ask(const AsOf& as_of) {
    const absl::StatusOr<Moment> moment = history_.FindMoment(Soon(), as_of);
    EXPECT_TRUE(moment.ok()) << moment.status() << " " << ToText(as_of);
    return moment.ok() ? Ask(*moment) : Held();
  }

  // The same by adding up every line of the prefix.
  Held FullSum(int64_t sequence, const std::optional<absl::Time>& occurred_time) {
    const std::string occurred =
        occurred_time.has_value()
            ? absl::StrCat(" AND m.occurred_time <= ", *TimeLiteral(*occurred_time))
            : "";
    Held held;
    for (const mysql::Row row : Query(absl::StrCat(
             "SELECT x.balance_id, SUM(x.quantity) FROM (SELECT movement_id, "
             "destination_balance_id AS balance_id, quantity FROM movement_lines UNION ALL SELECT "
             "movement_id, source_balance_id, -quantity FROM movement_lines) x JOIN movements m ON "
             "m.movement_id = x.movement_id JOIN records r ON r.record_id = m.movement_id WHERE "
             "r.sequence <= ",
             sequence, occurred, " GROUP BY x.balance_id HAVING SUM(x.quantity) <> 0"))) {
      held[row.Int64(0)] = row.Int64(1);
    }
    return held;
  }

  // The longest prefix of the sealed records in which every record time is `time` or before.
  int64_t LongestPrefix(const std::optional<absl::Time>& time) {
    const std::string later = time.has_value()
                                  ? absl::StrCat(" AND record_time > ", *TimeLiteral(*time))
                                  : std::string(" AND FALSE");
    return Query(
               absl::StrCat("SELECT CAST(COALESCE((SELECT MIN(sequence) - 1 FROM records WHERE "
                            "sequence IS NOT NULL",
                            later,
                            "), (SELECT COALESCE(MAX(sequence), 0) FROM records)) AS "
                            "SIGNED)"))[0]
        .Int64(0);
  }

  // A moment that can be asked about, of one of the three kinds.
  AsOf SomeMoment(absl::Time start) {
    const auto some_time = [&](absl::Time from) {
      const int64_t span = absl::ToInt64Microseconds(clock_.Now() - from);
      return from +
             absl::Microseconds(static_cast<int64_t>(random_() % static_cast<uint64_t>(span + 1)));
    };
    AsOf as_of;
    const int kind = Below(3);
    if (kind != 0) as_of.record_time = some_time(start) - absl::Microseconds(1);
    if (kind != 1) as_of.occurred_time = some_time(start - absl::Hours(24 * 1000));
    // Days are where the checkpoints are.
    if (as_of.occurred_time.has_value() && Below(3) == 0) {
      as_of.occurred_time =
          absl::FromUnixSeconds(absl::ToUnixSeconds(*as_of.occurred_time) / 86400 * 86400) -
          absl::Microseconds(Below(2));
    }
    return as_of;
  }

  std::mt19937_64 random_{Seed()};
  LedgerWorld world_;
  mysql::Pool& pool_;
  ManualClock clock_;
  ManualClock fast_clock_;
  Clerk clerk_;
  Clerk fast_clerk_;
  telemetry::Metrics metrics_{"test"};
  CountingUuids sealer_uuids_{clock_, 9'000'000};
  records::Sealer sealer_;
  HistoryWriter writer_;
  HistoryWriter other_writer_;
  MysqlStockHistory history_;
  std::vector<base::Uuid> movements_;
  uint64_t request_count_ = 0;
};

TEST_F(StockHistoryTest, SaysOfAnyMomentWhatAFullSumSays) {
  SCOPED_TRACE(absl::StrCat("QM_HISTORY_SEED=", Seed()));
  const absl::Time start = clock_.Now();
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 25; ++i) {
      PostSomething(false);
      Advance(absl::Minutes(Below(300)) + absl::Microseconds(Below(5)));
      if (Below(3) == 0) Seal();
      if (Below(3) == 0) TakeTurn();
    }
    Advance(absl::Microseconds(1));
    CatchUp();

    for (int i = 0; i < 12; ++i) {
      const AsOf as_of = SomeMoment(start);
      const Held expected = FullSum(LongestPrefix(as_of.record_time), as_of.occurred_time);
      ASSERT_EQ(Ask(as_of), expected) << ToText(as_of);
    }
  }
  EXPECT_GT(Query("SELECT COUNT(*) FROM balance_checkpoints")[0].Int64(0), 100);
  EXPECT_GT(Query("SELECT COUNT(late_sequence) FROM balance_lines")[0].Int64(0), 100);
}

// Two replicas whose clocks are an hour apart work on the same shelves. Whatever was answered for a
// moment of the record clock is answered again, and was at no moment below zero.
TEST_F(StockHistoryTest, AnswersNeverChangeAndAreNeverNegativeWithClocksAnHourApart) {
  SCOPED_TRACE(absl::StrCat("QM_HISTORY_SEED=", Seed()));
  const absl::Time start = clock_.Now();
  std::vector<std::pair<AsOf, Held>> given;
  const auto ask_again = [&](const std::pair<AsOf, Held>& answer) {
    ASSERT_EQ(Ask(answer.first), answer.second) << ToText(answer.first);
  };
  for (int i = 0; i < 250; ++i) {
    PostSomething(true);
    Advance(absl::Minutes(Below(12)));
    if (Below(2) == 0) Seal();
    if (Below(2) == 0) TakeTurn();
    AsOf as_of = SomeMoment(start);
    if (!as_of.record_time.has_value() || !history_.FindMoment(Soon(), as_of).ok()) continue;
    given.emplace_back(as_of, Ask(as_of));
    ask_again(given[static_cast<size_t>(Below(static_cast<int>(given.size())))]);
  }
  CatchUp();

  ASSERT_GT(given.size(), 60u);
  for (const auto& answer : given) ask_again(answer);
  const int64_t head = LongestPrefix(std::nullopt);
  ASSERT_GT(head, 100);
  for (int64_t sequence = 1; sequence <= head; ++sequence) {
    const Held held = Ask(Moment{.sequence = sequence});
    ASSERT_EQ(held, FullSum(sequence, std::nullopt)) << sequence;
    for (const mysql::Row row : Query("SELECT balance_id FROM balances WHERE state < 16")) {
      const auto found = held.find(row.Int64(0));
      ASSERT_TRUE(found == held.end() || found->second > 0) << sequence;
    }
  }
}

TEST_F(StockHistoryTest, ShowsNoMovementOfALaterRecordTime) {
  for (int i = 0; i < 60; ++i) {
    PostSomething(true);
    Advance(absl::Minutes(Below(9)));
    Seal();
    TakeTurn();
  }
  CatchUp();

  const absl::Time closed =
      history_.FindMoment(Soon(), {.occurred_time = clock_.Now()})->closed_time;
  for (absl::Time time = closed - absl::Hours(5); time <= closed; time += absl::Minutes(7)) {
    const absl::StatusOr<Moment> moment = history_.FindMoment(Soon(), {.record_time = time});
    ASSERT_TRUE(moment.ok()) << moment.status();
    EXPECT_LE(moment->sequence, LongestPrefix(time));
  }
}

TEST_F(StockHistoryTest, DoesNotAnswerForWhatIsNotClosed) {
  PostSomething(false);
  const absl::Time before = clock_.Now();
  Advance(absl::Seconds(10));
  const auto not_yet = history_.FindMoment(Soon(), {.record_time = before});
  CatchUp();
  Advance(absl::Seconds(10));

  EXPECT_EQ(not_yet.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(history_.FindMoment(Soon(), {.record_time = before}).ok());
  EXPECT_FALSE(history_.FindMoment(Soon(), {.record_time = clock_.Now()}).ok());
}

// What waits to be sealed holds the record clock back, so that it counts from its own time on.
TEST_F(StockHistoryTest, IsNotClosedBeyondWhatIsNotSealed) {
  PostSomething(false);
  CatchUp();
  Advance(absl::Seconds(10));
  const absl::Time before = clock_.Now();
  ASSERT_TRUE(clerk_.ledger.PostMovement(CallBy(), AReceipt(5, 777)).ok());
  Advance(absl::Seconds(10));

  TakeTurn();
  EXPECT_FALSE(history_.FindMoment(Soon(), {.record_time = before}).ok());
  CatchUp();
  EXPECT_EQ(history_.FindMoment(Soon(), {.record_time = before})->sequence,
            LongestPrefix(std::nullopt));
}

// Its connection is killed at any point of a turn, as long as the last one took. The next turn goes
// on, and nothing is there twice or missing.
TEST_F(StockHistoryTest, GoesOnWhereItWasKilled) {
  for (int i = 0; i < 150; ++i) {
    PostSomething(false);
    Advance(absl::Hours(7));
    Seal();
  }
  mysql::Pool its_pool({.connection = pool_.options().connection, .size_max = 1});
  HistoryWriter writer(its_pool, clock_, WriterOptions());
  int failed_count = 0;
  absl::Duration turn_time = absl::Milliseconds(6);
  for (bool has_more = true; has_more || failed_count <= 3;) {
    if (!has_more) {
      for (int i = 0; i < 7; ++i) PostSomething(false);
      Seal();
    }
    int64_t session_id = 0;
    {
      const auto connection = its_pool.Acquire(Soon());
      ASSERT_TRUE(connection.ok()) << connection.status();
      session_id = (*connection)->session_id();
    }
    const bool is_killed = Below(3) != 0;
    const absl::Duration after = turn_time * Below(100) / 100;
    std::thread killer([&] {
      const mysql::DatabaseThread database_thread;
      if (!is_killed) return;
      absl::SleepFor(after);
      const auto connection = pool_.Acquire(Soon());
      ASSERT_TRUE(connection.ok()) << connection.status();
      // It may be gone already.
      (*connection)->Execute(absl::StrCat("KILL CONNECTION ", session_id)).IgnoreError();
    });
    const absl::Time start = absl::Now();
    const auto turn = writer.TakeTurn();
    if (turn.ok()) turn_time = absl::Now() - start;
    killer.join();
    if (!turn.ok()) ++failed_count;
    has_more = !turn.ok() || !turn->has_value() || (*turn)->has_more;
  }
  CatchUp();

  EXPECT_GT(failed_count, 3);
  for (const absl::Duration ago : {absl::ZeroDuration(), absl::Hours(100), absl::Hours(700)}) {
    const AsOf as_of{.occurred_time = clock_.Now() - ago};
    EXPECT_EQ(Ask(as_of), FullSum(LongestPrefix(std::nullopt), as_of.occurred_time));
  }
  EXPECT_EQ(Ask(Moment{.sequence = LongestPrefix(std::nullopt)}),
            FullSum(LongestPrefix(std::nullopt), std::nullopt));
}

// Goal: what a writer keeps of a history is not taken for the end of another one.
// Method: the database goes back in time while the writer lives, and other postings to the same
// balances come to the sequence that it left. The first turn of a day writes checkpoints and keeps
// nothing.
TEST_F(StockHistoryTest, KeepsNothingOfAHistoryThatWasTakenBack) {
  const auto post_and_take_in = [&](Clerk& clerk, int pieces, records::Sealer& sealer,
                                    HistoryWriter& writer) {
    Advance(absl::Minutes(1));
    const auto posted = clerk.ledger.PostMovement(CallBy(), AReceipt(pieces, ++request_count_));
    ASSERT_TRUE(posted.ok()) << posted.status();
    SealAndTakeIn(sealer, writer);
  };
  for (int i = 0; i < 2; ++i) post_and_take_in(clerk_, 5, sealer_, writer_);
  EmptyLedgerDatabase();
  const auto connection = pool_.Acquire(Soon());
  ASSERT_TRUE(connection.ok()) << connection.status();
  ASSERT_TRUE((*connection)->Execute("ALTER TABLE balances AUTO_INCREMENT = 1").ok());
  Clerk clerk_after(world_, pool_, clock_, 2'000'000);
  records::Sealer sealer_after(pool_, clock_, sealer_uuids_, {.block_records_max = 9}, metrics_);
  for (int i = 0; i < 2; ++i) post_and_take_in(clerk_after, 7, sealer_after, other_writer_);

  post_and_take_in(clerk_after, 1, sealer_after, writer_);

  const int64_t sequence = LongestPrefix(std::nullopt);
  EXPECT_EQ(sequence, 3);
  EXPECT_EQ(Ask(Moment{.sequence = sequence}), FullSum(sequence, std::nullopt));
}

// However long a balance's history is, a question dives into its index.
TEST_F(StockHistoryTest, ReadsByItsIndexes) {
  for (int i = 0; i < 200; ++i) {
    PostSomething(false);
    Advance(absl::Hours(5));
    Seal();
    if (i % 20 == 0) CatchUp();
  }
  CatchUp();
  Query("ANALYZE TABLE balance_lines");
  std::vector<int64_t> ids;
  for (const mysql::Row row : Query("SELECT balance_id FROM balance_checkpoints GROUP BY "
                                    "balance_id ORDER BY COUNT(*) DESC LIMIT 3")) {
    ids.push_back(row.Int64(0));
  }
  const OccurredBounds bounds{.end_time = clock_.Now() - absl::Hours(24),
                              .sequence = LongestPrefix(std::nullopt) - 5};
  std::map<int64_t, Checkpoint> checkpoints;
  {
    const auto connection = pool_.Acquire(Soon());
    ASSERT_TRUE(connection.ok()) << connection.status();
    checkpoints = *FindCheckpoints(**connection, ids, bounds);
  }
  ASSERT_EQ(checkpoints.size(), ids.size());

  const std::vector<std::pair<std::string, std::string>> statements = {
      {RecordedStatement(ids, bounds.sequence), "PRIMARY"},
      {*CheckpointStatement(ids, bounds), "PRIMARY"},
      {*SinceStatement(ids, checkpoints, bounds), "ix_balance_lines_occurred"},
      {LateStatement(checkpoints, bounds.sequence), "ix_balance_lines_late"}};
  for (const auto& [sql, index] : statements) {
    int dive_count = 0;
    for (const mysql::Row row : Query("EXPLAIN " + sql)) {
      if (row.IsNull(2) || absl::StartsWith(row.String(2), "<union")) continue;
      EXPECT_EQ(row.String(3), "range") << sql;
      EXPECT_EQ(row.String(5), index) << sql;
      ++dive_count;
    }
    EXPECT_EQ(dive_count, 3) << sql;
  }
}

}  // namespace
}  // namespace quartermaster::inventory
