// Sealing: one order, no gaps, one leader, whatever sealers and writers do at the same time.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "inventory_migrations.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/transaction.h"
#include "platform/records/chain_store.h"
#include "platform/records/record_rows.h"
#include "platform/records/sealer.h"
#include "platform/telemetry/metrics.h"
#include "tests/harness/database.h"
#include "tests/harness/invariants.h"

namespace quartermaster::records {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

// A replica's sealer, with what a process has of its own.
struct Replica {
  Replica(mysql::Pool& pool, const SealerOptions& options)
      : sealer(pool, clock, uuids, options, metrics) {}

  base::SystemClock clock;
  base::UuidSource uuids{clock};
  telemetry::Metrics metrics{"test"};
  Sealer sealer;
};

class RecordsSealerTest : public ::testing::Test {
 protected:
  RecordsSealerTest() { database_.ClearTables(); }

  void TearDown() override { EXPECT_THAT(testing::FindBookViolations(pool_), IsEmpty()); }

  std::unique_ptr<Replica> AReplica(int block_records_max = 1000,
                                    absl::Duration lease_time = absl::Seconds(60)) {
    return std::make_unique<Replica>(pool_, SealerOptions{.interval = absl::Milliseconds(2),
                                                          .block_records_max = block_records_max,
                                                          .lease_time = lease_time});
  }

  Record ARecord(absl::string_view resource, absl::Time record_time) {
    return {.record_id = uuids_.Next(),
            .record_time = record_time,
            .occurred_time = record_time,
            .caller = "persons/clerk",
            .method = "test.Shelf/Put",
            .resource = std::string(resource),
            .request_id = uuids_.Next()};
  }

  void Append(const std::vector<Record>& records) {
    const absl::StatusOr<mysql::Lease> connection = pool_.Acquire(Soon());
    ASSERT_TRUE(connection.ok()) << connection.status();
    const mysql::Statement statement = InsertRecords(records);
    const auto appended = (*connection)->Execute(statement.sql, statement.params);
    ASSERT_TRUE(appended.ok()) << appended.status();
  }

  void Execute(const std::string& sql) {
    const absl::StatusOr<mysql::Lease> connection = pool_.Acquire(Soon());
    ASSERT_TRUE(connection.ok()) << connection.status();
    const auto done = (*connection)->Execute(sql);
    ASSERT_TRUE(done.ok()) << done.status();
  }

  // The resources of the sealed records, in their order.
  std::vector<std::string> SealedResources() {
    std::vector<std::string> resources;
    const absl::StatusOr<mysql::Lease> connection = pool_.Acquire(Soon());
    EXPECT_TRUE(connection.ok()) << connection.status();
    const auto records = ReadSealed(**connection, 1, 1'000'000);
    EXPECT_TRUE(records.ok()) << records.status();
    for (const SealedRecord& sealed : *records) resources.push_back(sealed.record.resource);
    return resources;
  }

  int64_t Number(const std::string& sql) {
    const absl::StatusOr<mysql::Lease> connection = pool_.Acquire(Soon());
    EXPECT_TRUE(connection.ok()) << connection.status();
    const auto rows = (*connection)->Query(sql);
    EXPECT_TRUE(rows.ok()) << rows.status();
    return rows.ok() && !(*rows)[0].IsNull(0) ? (*rows)[0].Int64(0) : -1;
  }

  const absl::Time noon_ = absl::FromUnixSeconds(1'579'996'800);
  const base::SystemClock clock_;
  base::UuidSource uuids_{clock_};
  testing::TestDatabase& database_ = testing::SharedDatabase(InventoryMigrations());
  mysql::Pool& pool_ = database_.pool();
};

TEST_F(RecordsSealerTest, OrdersABlockByRecordTimeThenId) {
  const Record twin = ARecord("twin-1", noon_);
  Append({ARecord("late", noon_ + absl::Seconds(1)), twin, ARecord("twin-2", noon_),
          ARecord("early", noon_ - absl::Seconds(1))});
  const auto replica = AReplica();

  EXPECT_EQ(*replica->sealer.TakeTurn(), 4);

  EXPECT_THAT(SealedResources(), ElementsAre("early", "twin-1", "twin-2", "late"));
  EXPECT_EQ(*replica->sealer.TakeTurn(), 0);
}

TEST_F(RecordsSealerTest, BoundsItsBlocksAndChainsThem) {
  std::vector<Record> records;
  for (int i = 0; i < 25; ++i) records.push_back(ARecord("r", noon_ + absl::Seconds(i)));
  Append(records);
  const auto replica = AReplica(10);

  EXPECT_EQ(*replica->sealer.TakeTurn(), 10);
  EXPECT_EQ(*replica->sealer.TakeTurn(), 10);
  EXPECT_EQ(*replica->sealer.TakeTurn(), 5);
  EXPECT_EQ(*replica->sealer.TakeTurn(), 0);

  EXPECT_EQ(Number("SELECT COUNT(*) FROM record_blocks"), 3);
  EXPECT_EQ(Number("SELECT MAX(last_sequence) FROM record_blocks"), 25);
}

// More than one statement numbers, and more than MariaDB keeps as a list.
TEST_F(RecordsSealerTest, SealsALargeBlockInOneTransaction) {
  std::vector<Record> records;
  for (int i = 0; i < 2100; ++i) records.push_back(ARecord("r", noon_ + absl::Seconds(i % 7)));
  Append(records);
  const auto replica = AReplica(5000);

  EXPECT_EQ(*replica->sealer.TakeTurn(), 2100);
}

// What is committed late is sealed late, whatever its record time: places are never given anew.
TEST_F(RecordsSealerTest, PutsWhatCommitsLateIntoALaterBlock) {
  const auto replica = AReplica();
  const mysql::Statement late = InsertRecords({ARecord("committed-late", noon_)});
  const absl::Status committed =
      mysql::InTransaction(pool_, Soon(), [&](mysql::Connection& connection) -> absl::Status {
        QM_RETURN_IF_ERROR(connection.Execute(late.sql, late.params).status());
        Append({ARecord("committed-first", noon_ + absl::Hours(1))});
        // Neither waits for the open transaction nor sees what it wrote.
        QM_ASSIGN_OR_RETURN(const int sealed, replica->sealer.TakeTurn());
        EXPECT_EQ(sealed, 1);
        return absl::OkStatus();
      });
  ASSERT_TRUE(committed.ok()) << committed;

  EXPECT_EQ(*replica->sealer.TakeTurn(), 1);

  EXPECT_THAT(SealedResources(), ElementsAre("committed-first", "committed-late"));
}

TEST_F(RecordsSealerTest, OneLeadsWhileItsLeaseLasts) {
  Append({ARecord("r", noon_)});
  const auto first = AReplica();
  const auto second = AReplica();

  EXPECT_EQ(*first->sealer.TakeTurn(), 1);
  Append({ARecord("r", noon_)});
  EXPECT_EQ(*second->sealer.TakeTurn(), 0);

  EXPECT_TRUE(first->sealer.is_leader());
  EXPECT_FALSE(second->sealer.is_leader());
  EXPECT_EQ(*first->sealer.TakeTurn(), 1);
}

TEST_F(RecordsSealerTest, AnotherTakesOverAtOnceFromOneThatStops) {
  auto first = AReplica();
  EXPECT_EQ(*first->sealer.TakeTurn(), 0);
  first->sealer.StepDown();
  Append({ARecord("r", noon_)});

  const auto second = AReplica();
  EXPECT_EQ(*second->sealer.TakeTurn(), 1);
  EXPECT_EQ(second->sealer.epoch(), 2);
}

// Goal: a leader that was deposed without knowing it seals nothing more.
// Method: its lease is made to run out, another takes over, and it goes on.
TEST_F(RecordsSealerTest, ADeposedLeaderThatGoesOnChangesNothing) {
  const auto paused = AReplica();
  EXPECT_EQ(*paused->sealer.TakeTurn(), 0);
  Execute("UPDATE sealer_lease SET end_time = '1970-01-01'");
  const auto next = AReplica();
  EXPECT_EQ(*next->sealer.TakeTurn(), 0);
  Append({ARecord("r", noon_)});

  const absl::StatusOr<int> sealed = paused->sealer.TakeTurn();

  EXPECT_TRUE(IsDeposed(sealed.status())) << sealed.status();
  EXPECT_FALSE(paused->sealer.is_leader());
  EXPECT_THAT(SealedResources(), IsEmpty());
  EXPECT_TRUE(next->sealer.is_leader());
  EXPECT_EQ(*next->sealer.TakeTurn(), 1);
}

// The same, when it was paused between what it read and what it is about to write.
TEST_F(RecordsSealerTest, ADraftFromBeforeTheTakeOverIsNotStored) {
  Append({ARecord("r", noon_), ARecord("s", noon_)});
  const auto paused = AReplica();
  const mysql::Lease connection = *pool_.Acquire(Soon());
  const int64_t epoch = **TakeLease(*connection, uuids_.Next(), absl::Seconds(60));
  const BlockDraft draft = **DraftBlock(pool_, Soon(), 1000, noon_);
  Execute("UPDATE sealer_lease SET end_time = '1970-01-01'");
  const auto next = AReplica(1);
  EXPECT_EQ(*next->sealer.TakeTurn(), 1);

  const absl::Status stored = StoreBlock(pool_, Soon(), epoch, absl::Seconds(60), draft);

  EXPECT_TRUE(IsDeposed(stored)) << stored;
  EXPECT_THAT(SealedResources(), ElementsAre("r"));
}

// The same, when it stands still between two statements of its sealing transaction: it holds the
// row of the lease then, and the server takes that from it.
TEST_F(RecordsSealerTest, ALeaderThatStandsStillWhileItSealsIsSucceeded) {
  mysql::ConnectionOptions options = database_.options();
  options.transaction_idle_max = absl::Seconds(1);
  mysql::Pool paused_pool({.connection = options, .size_max = 1});
  const absl::StatusOr<mysql::Lease> lease = pool_.Acquire(Soon());
  ASSERT_TRUE(TakeLease(**lease, uuids_.Next(), absl::Milliseconds(1)).ok());
  Append({ARecord("r", noon_)});
  const auto next = AReplica();

  const absl::Status stood_still =
      mysql::InTransaction(paused_pool, Soon(), [&](mysql::Connection& connection) -> absl::Status {
        QM_RETURN_IF_ERROR(RenewLease(connection, 1, absl::Milliseconds(1)));
        const absl::Time until = absl::Now() + absl::Seconds(20);
        while (next->sealer.TakeTurn().value_or(0) == 0 && absl::Now() < until) {
        }
        EXPECT_THAT(SealedResources(), ElementsAre("r"));
        return absl::OkStatus();
      });

  EXPECT_FALSE(stood_still.ok());
  EXPECT_EQ(next->sealer.epoch(), 2);
}

// What stands behind the lease: even by one epoch nothing is sealed twice.
TEST_F(RecordsSealerTest, AForkCannotBeStored) {
  Append({ARecord("r", noon_)});
  const mysql::Lease connection = *pool_.Acquire(Soon());
  const int64_t epoch = **TakeLease(*connection, uuids_.Next(), absl::Seconds(60));
  const BlockDraft draft = **DraftBlock(pool_, Soon(), 1000, noon_);
  BlockDraft fork = draft;
  fork.block.hash[0] ^= 1;
  ASSERT_TRUE(StoreBlock(pool_, Soon(), epoch, absl::Seconds(60), draft).ok());

  // Run again after a COMMIT whose answer was lost: it is in, and that is well.
  EXPECT_TRUE(StoreBlock(pool_, Soon(), epoch, absl::Seconds(60), draft).ok());
  EXPECT_FALSE(StoreBlock(pool_, Soon(), epoch, absl::Seconds(60), fork).ok());
  fork.block.number = 2;
  EXPECT_FALSE(StoreBlock(pool_, Soon(), epoch, absl::Seconds(60), fork).ok());
  EXPECT_EQ(Number("SELECT COUNT(*) FROM record_blocks"), 1);
}

TEST_F(RecordsSealerTest, SeesARecordThatWasChangedAfterItWasSealed) {
  Append({ARecord("r", noon_), ARecord("s", noon_), ARecord("t", noon_)});
  const auto replica = AReplica(1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(*replica->sealer.TakeTurn(), 1);
  Execute("UPDATE records SET caller = 'persons/other' WHERE sequence = 2");

  EXPECT_THAT(testing::FindBookViolations(pool_),
              ElementsAre(::testing::HasSubstr("the hash of block 2")));

  Execute("UPDATE records SET caller = 'persons/clerk' WHERE sequence = 2");
}

// The oldest of what is not sealed comes by the index, however much has piled up.
TEST_F(RecordsSealerTest, ReadsTheBacklogByItsIndex) {
  std::vector<Record> records;
  for (int i = 0; i < 2000; ++i) records.push_back(ARecord("r", noon_ + absl::Seconds(i % 7)));
  Append(records);
  const mysql::Lease connection = *pool_.Acquire(Soon());
  const auto plan = connection->Query(
      "EXPLAIN SELECT record_id, caller FROM records FORCE INDEX (ix_records_unsealed) WHERE "
      "sequence IS NULL ORDER BY record_time, record_id LIMIT 100");
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->size(), 1u);
  EXPECT_EQ((*plan)[0].String(5), "ix_records_unsealed");
  EXPECT_EQ((*plan)[0].String(9).find("filesort"), std::string::npos) << (*plan)[0].String(9);
}

// Goal: fail-over under load neither loses, doubles nor reorders anything.
// Method: four writers append while three sealers run; the leader is deposed or loses its session
// every few milliseconds. In the end everything is sealed and the chain verifies (`TearDown`).
TEST_F(RecordsSealerTest, SealsEverythingOnceWhileLeadersComeAndGo) {
  constexpr int kWriters = 4;
  constexpr int kRecordsEach = 300;
  std::vector<std::unique_ptr<Replica>> replicas;
  for (int i = 0; i < 3; ++i) {
    replicas.push_back(AReplica(20, absl::Seconds(1)));
    replicas.back()->sealer.Start();
  }
  std::vector<std::thread> writers;
  std::atomic<int> writing = kWriters;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      const mysql::DatabaseThread database_thread;
      for (int i = 0; i < kRecordsEach; ++i) {
        Append({ARecord(absl::StrCat("w", writer), clock_.Now() - absl::Hours(writer))});
      }
      --writing;
    });
  }
  std::thread nemesis([&] {
    const mysql::DatabaseThread database_thread;
    while (writing > 0) {
      Execute("UPDATE sealer_lease SET end_time = '1970-01-01'");
      absl::SleepFor(absl::Milliseconds(7));
      // A new holder whom nobody knows, who never seals: its lease must run out.
      Execute("UPDATE sealer_lease SET epoch = epoch + 1, end_time = UTC_TIMESTAMP(6)");
      absl::SleepFor(absl::Milliseconds(7));
    }
  });
  for (std::thread& writer : writers) writer.join();
  nemesis.join();

  const absl::Time until = Soon();
  while (Number("SELECT COUNT(*) FROM records WHERE sequence IS NULL") > 0 && absl::Now() < until) {
    absl::SleepFor(absl::Milliseconds(20));
  }
  replicas.clear();

  EXPECT_EQ(Number("SELECT COUNT(*) FROM records WHERE sequence IS NULL"), 0);
  EXPECT_EQ(Number("SELECT MAX(sequence) FROM records"), kWriters * kRecordsEach);
  EXPECT_GT(Number("SELECT COUNT(DISTINCT epoch) FROM record_blocks"), 1);
}

// On its way out a leader seals what is left and lets go of the lease.
TEST_F(RecordsSealerTest, SealsWhatIsLeftWhenItStops) {
  auto replica = std::make_unique<Replica>(
      pool_, SealerOptions{.interval = absl::Seconds(30), .block_records_max = 2});
  replica->sealer.Start();
  const absl::Time until = Soon();
  while (!replica->sealer.is_leader() && absl::Now() < until) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  Append({ARecord("r", noon_), ARecord("s", noon_), ARecord("t", noon_)});

  replica.reset();

  EXPECT_EQ(SealedResources().size(), 3u);
  EXPECT_EQ(Number("SELECT end_time < UTC_TIMESTAMP(6) FROM sealer_lease"), 1);
}

}  // namespace
}  // namespace quartermaster::records
