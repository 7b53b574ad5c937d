// The part of the contract that takes two callers at once to break.

#include <gmock/gmock.h>

#include <barrier>
#include <optional>
#include <thread>

#include "platform/base/mutex.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"
#include "tests/harness/process.h"
#include "tests/storage/movement_drafts.h"
#include "tests/storage/store_contract.h"

namespace quartermaster::inventory {

using ::testing::ElementsAre;

constexpr int kRaceRoundCount = 64;

TEST_P(StockStoreContract, SecondReversalSeesTheFirstOnceItHasTheLock) {
  const base::Uuid original = uuids_.Next();
  const base::Uuid reversal = uuids_.Next();
  ASSERT_TRUE(PostDraft(store(), {}, original).ok());
  base::Notification is_locked;
  base::Notification second_is_done;
  std::optional<Movement> seen_by_second;
  std::thread second([&] {
    is_locked.WaitForNotification();
    EXPECT_TRUE(store()
                    .Atomically(Soon(),
                                [&](StockBook& book) -> absl::Status {
                                  QM_ASSIGN_OR_RETURN(seen_by_second, book.LockMovement(original));
                                  return absl::OkStatus();
                                })
                    .ok());
    second_is_done.Notify();
  });

  EXPECT_TRUE(store()
                  .Atomically(Soon(),
                              [&](StockBook& book) -> absl::Status {
                                QM_RETURN_IF_ERROR(book.LockMovement(original).status());
                                is_locked.Notify();
                                EXPECT_TRUE(testing::WaitUntil(Soon(), [&] {
                                  return under_test_->IsAnyoneWaiting() ||
                                         second_is_done.HasBeenNotified();
                                }));
                                return LockAndRecord(book,
                                                     {.source = kAvailableKey,
                                                      .destination = kSupplierKey,
                                                      .request = 2,
                                                      .reverses = original},
                                                     reversal);
                              })
                  .ok());
  second.join();

  ASSERT_TRUE(seen_by_second.has_value());
  EXPECT_EQ(seen_by_second->reversed_by, reversal);
}

// Goal: nobody decides on an amount that another transaction is about to change.
// Method: one holds the rows and changes them; the second asks for them meanwhile. Whenever it gets
// them, it must see what the first one wrote: without row locks it would see what was there before,
// and with an amount read before the lock it would too.
TEST_P(StockStoreContract, LockedBalancesShowWhatTheLastHolderWrote) {
  const std::vector<BalanceKey> keys = {kAvailableKey, kSupplierKey};
  ASSERT_TRUE(PostDraft(store(), {.amount = 5}, uuids_.Next()).ok());
  base::Notification is_locked;
  base::Notification second_is_done;
  std::vector<int64_t> seen_by_second;
  std::thread second([&] {
    is_locked.WaitForNotification();
    seen_by_second = Quantities(store(), keys);
    second_is_done.Notify();
  });

  EXPECT_TRUE(store()
                  .Atomically(Soon(),
                              [&](StockBook& book) -> absl::Status {
                                QM_ASSIGN_OR_RETURN(std::vector<Balance> balances,
                                                    LockBalances(book, keys));
                                is_locked.Notify();
                                EXPECT_TRUE(testing::WaitUntil(Soon(), [&] {
                                  return under_test_->IsAnyoneWaiting() ||
                                         second_is_done.HasBeenNotified();
                                }));
                                const Draft draft = {.amount = 7, .request = 2};
                                return book.Record(MakeRecord(draft, uuids_.Next(), balances));
                              })
                  .ok());
  second.join();

  EXPECT_THAT(seen_by_second, ElementsAre(12, -12));
}

// Goal: the last piece goes to exactly one of two clerks.
// Method: a barrier releases both calls onto one row, 64 times, each on a connection of its own.
// The books are looked at afterwards: a lost update shows there even if both calls said OK.
TEST_P(StockStoreContract, LastPieceGoesToExactlyOneOfTwoClerks) {
  std::barrier gate(2);
  std::vector<std::vector<absl::Status>> answers(2);
  const auto race = [&](size_t clerk) {
    for (int round = 0; round < kRaceRoundCount; ++round) {
      const uint64_t base = static_cast<uint64_t>(round) * 10;
      if (clerk == 0) {
        EXPECT_TRUE(ledger_.PostMovement(CallBy(), AReceipt(1, base)).ok());
      }
      gate.arrive_and_wait();
      const auto posted =
          ledger_.PostMovement(CallBy(clerk == 0 ? "anna" : "boris"), AConsumption(1, base + 1));
      answers[clerk].push_back(posted.status());
      gate.arrive_and_wait();
    }
  };
  std::thread other(race, 1);
  race(0);
  other.join();

  for (int round = 0; round < kRaceRoundCount; ++round) {
    const absl::Status& anna = answers[0][static_cast<size_t>(round)];
    const absl::Status& boris = answers[1][static_cast<size_t>(round)];
    EXPECT_EQ(anna.ok() + boris.ok(), 1) << "round " << round << ": " << anna << ", " << boris;
    EXPECT_EQ(status::GetReason(anna.ok() ? boris : anna), "INSUFFICIENT_STOCK");
  }
  EXPECT_EQ(under_test_->rerun_count(), 0) << "the locks were not taken in one order";
}

TEST_P(StockStoreContract, RetryForTheLastPieceGetsTheOriginalsAnswer) {
  std::barrier gate(2);
  std::vector<std::vector<absl::StatusOr<Movement>>> answers(2);
  const auto race = [&](size_t attempt) {
    for (int round = 0; round < kRaceRoundCount; ++round) {
      const uint64_t base = static_cast<uint64_t>(round) * 10;
      if (attempt == 0) {
        EXPECT_TRUE(ledger_.PostMovement(CallBy(), AReceipt(1, base)).ok());
      }
      gate.arrive_and_wait();
      answers[attempt].push_back(ledger_.PostMovement(CallBy(), AConsumption(1, base + 1)));
      gate.arrive_and_wait();
    }
  };
  std::thread other(race, 1);
  race(0);
  other.join();

  for (size_t round = 0; round < kRaceRoundCount; ++round) {
    ASSERT_TRUE(answers[0][round].ok()) << answers[0][round].status();
    ASSERT_TRUE(answers[1][round].ok()) << answers[1][round].status();
    EXPECT_EQ(answers[0][round]->movement_id, answers[1][round]->movement_id);
  }
}

// Goal: accounts that are used for the first time by several callers at once cost no deadlock and
// lose nothing.
TEST_P(StockStoreContract, FirstUseOfAccountsByFourCallersLosesNothing) {
  constexpr int kCallerCount = 4;
  constexpr State kOrigins[] = {State::kSupplier, State::kDonor, State::kMinistry, State::kProvince,
                                State::kPeer};
  constexpr const char* kPlaces[] = {kDepot, kShelf, kRoom};
  std::barrier gate(kCallerCount);
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallerCount; ++caller) {
    callers.emplace_back([&, caller] {
      uint64_t request = static_cast<uint64_t>(caller) * 1000;
      for (const char* place : kPlaces) {
        for (const State origin : kOrigins) {
          PostMovementCommand command = AReceipt(1, ++request, place);
          command.lines[0].source.state = origin;
          gate.arrive_and_wait();
          const auto posted = ledger_.PostMovement(CallBy(), command);
          EXPECT_TRUE(posted.ok()) << posted.status();
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();

  for (const LocationId place : {kDepotId, kShelfId, kRoomId}) {
    EXPECT_THAT(Quantities(store(), {KeyOf(place, State::kAvailable)}),
                ElementsAre(kCallerCount * static_cast<int>(std::size(kOrigins))));
  }
  EXPECT_EQ(under_test_->rerun_count(), 0);
}

}  // namespace quartermaster::inventory
