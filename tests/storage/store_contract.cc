#include "tests/storage/store_contract.h"

#include <gmock/gmock.h>

#include <barrier>
#include <optional>
#include <thread>

#include "absl/synchronization/notification.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"
#include "platform/values/canonical.h"
#include "tests/harness/process.h"

namespace quartermaster::inventory {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kRaceRoundCount = 64;

absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

BalanceKey HeldFor(uint8_t holder, State state, LotId lot = kMasksId) {
  BalanceKey key = KeyOf(kDepotId, state, lot);
  key.holder.bytes[0] = holder;
  return key;
}

// One movement of one line between two accounts of the depot, decided by nobody.
struct Draft {
  BalanceKey source = KeyOf(kDepotId, State::kSupplier);
  BalanceKey destination = KeyOf(kDepotId, State::kAvailable);
  int64_t amount = 5;
  uint64_t request = 1;
  std::string caller = "persons/clerk";
  std::optional<SourceDocument> paper = std::nullopt;
  std::optional<base::Uuid> reverses = std::nullopt;
  std::optional<base::Uuid> document = std::nullopt;
  std::string note = "";
};

MovementRecord MakeRecord(const Draft& draft, const base::Uuid& movement_id,
                          std::vector<Balance> balances) {
  const absl::Time record_time = absl::FromUnixMicros(absl::ToUnixMicros(absl::Now()));
  MovementRecord record{
      .movement = {.movement_id = movement_id,
                   .reason = draft.reverses.has_value() ? Reason::kReverse : Reason::kReceive,
                   .lines = {{.lot = kMasks,
                              .source = {.location = kDepot,
                                         .state = draft.source.state,
                                         .holder = draft.source.holder},
                              .destination = {.location = kDepot,
                                              .state = draft.destination.state,
                                              .holder = draft.destination.holder},
                              .quantity = {.amount = draft.amount, .unit = "piece"},
                              .base_quantity = draft.amount}},
                   .occurred_time = absl::FromUnixMicros(1'580'000'000'123'456),
                   .record_time = record_time,
                   .caller = draft.caller,
                   .source_document = draft.paper,
                   .note = draft.note,
                   .reverses = draft.reverses,
                   .document = draft.document},
      .request_id = RequestId(draft.request),
      .content_hash = base::Sha256(absl::StrCat("content of ", draft.request)),
      .lines = {{.source = draft.source,
                 .destination = draft.destination,
                 .base_quantity = draft.amount}},
      .balances_after = std::move(balances)};
  for (Balance& balance : record.balances_after) {
    if (balance.key == draft.source) balance.quantity -= draft.amount;
    if (balance.key == draft.destination) balance.quantity += draft.amount;
    balance.last_record_time = record_time;
  }
  return record;
}

// Locks and records, as the last part of a body.
absl::Status LockAndRecord(StockBook& book, const Draft& draft, const base::Uuid& movement_id) {
  QM_ASSIGN_OR_RETURN(std::vector<Balance> balances,
                      book.LockBalances({draft.source, draft.destination}));
  return book.Record(CallBy(), MakeRecord(draft, movement_id, std::move(balances)));
}

absl::Status PostDraft(StockStore& store, const Draft& draft, const base::Uuid& movement_id) {
  QM_RETURN_IF_ERROR(store.MakeBalances(Soon(), {draft.source, draft.destination}));
  return store.Atomically(Soon(),
                          [&](StockBook& book) { return LockAndRecord(book, draft, movement_id); });
}

// Reads what accounts hold, each of which must have been made.
std::vector<int64_t> Quantities(StockStore& store, const std::vector<BalanceKey>& keys) {
  std::vector<int64_t> quantities(keys.size());
  EXPECT_TRUE(store
                  .Atomically(Soon(),
                              [&](StockBook& book) -> absl::Status {
                                QM_ASSIGN_OR_RETURN(const std::vector<Balance> balances,
                                                    book.LockBalances(keys));
                                for (const Balance& balance : balances) {
                                  for (size_t i = 0; i < keys.size(); ++i) {
                                    if (balance.key == keys[i]) quantities[i] = balance.quantity;
                                  }
                                }
                                return absl::OkStatus();
                              })
                  .ok());
  return quantities;
}

const BalanceKey kSupplierKey = KeyOf(kDepotId, State::kSupplier);
const BalanceKey kAvailableKey = KeyOf(kDepotId, State::kAvailable);

}  // namespace

StockStoreContract::StockStoreContract()
    : under_test_(GetParam()()),
      ledger_(under_test_->store(), world_.units(), world_.items(), clock_, uuids_) {}

void StockStoreContract::TearDown() { EXPECT_THAT(under_test_->Violations(), IsEmpty()); }

TEST_P(StockStoreContract, MakesBalancesAtZeroAndOnce) {
  ASSERT_TRUE(store().MakeBalances(Soon(), {kAvailableKey, kSupplierKey}).ok());
  ASSERT_TRUE(PostDraft(store(), {.amount = 5}, uuids_.Next()).ok());

  ASSERT_TRUE(store().MakeBalances(Soon(), {kAvailableKey, kSupplierKey}).ok());

  EXPECT_THAT(Quantities(store(), {kSupplierKey, kAvailableKey}), ElementsAre(-5, 5));
}

TEST_P(StockStoreContract, LocksBalancesInTheOrderOfTheirRows) {
  const std::vector<BalanceKey> keys = {kAvailableKey, kSupplierKey, HeldFor(7, State::kReserved),
                                        KeyOf(kRoomId, State::kAvailable)};
  ASSERT_TRUE(store().MakeBalances(Soon(), keys).ok());
  std::vector<Balance> balances;

  ASSERT_TRUE(store()
                  .Atomically(Soon(),
                              [&](StockBook& book) -> absl::Status {
                                QM_ASSIGN_OR_RETURN(balances, book.LockBalances(keys));
                                return absl::OkStatus();
                              })
                  .ok());

  ASSERT_EQ(balances.size(), keys.size());
  EXPECT_TRUE(std::ranges::is_sorted(
      balances, [](const Balance& a, const Balance& b) { return a.id < b.id; }));
  for (const BalanceKey& key : keys) {
    EXPECT_EQ(std::ranges::count(balances, key, &Balance::key), 1);
  }
  for (const Balance& balance : balances) EXPECT_EQ(balance.quantity, 0);
}

TEST_P(StockStoreContract, RunsAgainForABalanceThatWasNeverMadeAndGivesUp) {
  int run_count = 0;

  const absl::Status status = store().Atomically(Soon(), [&](StockBook& book) {
    ++run_count;
    return book.LockBalances({kAvailableKey}).status();
  });

  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_EQ(status::GetReason(status), "CONTENTION");
  EXPECT_GT(run_count, 1);
}

TEST_P(StockStoreContract, RunsABodyThatCommitsOnce) {
  int run_count = 0;
  ASSERT_TRUE(store().MakeBalances(Soon(), {kAvailableKey, kSupplierKey}).ok());

  ASSERT_TRUE(store()
                  .Atomically(Soon(),
                              [&](StockBook& book) {
                                ++run_count;
                                // Another request each time: a second run would be a second entry.
                                return LockAndRecord(book,
                                                     {.request = static_cast<uint64_t>(run_count)},
                                                     uuids_.Next());
                              })
                  .ok());

  EXPECT_EQ(run_count, 1);
  EXPECT_THAT(Quantities(store(), {kAvailableKey}), ElementsAre(5));
}

TEST_P(StockStoreContract, FindsAMovementByItsRequestAsItWasWritten) {
  const Draft draft = {
      .paper = SourceDocument{.issuer = "ministry", .number = "2020-17 号", .line = 3},
      .note = "two boxes wet"};
  const base::Uuid movement_id = uuids_.Next();
  ASSERT_TRUE(PostDraft(store(), draft, movement_id).ok());
  const MovementRecord written = MakeRecord(draft, movement_id, {});

  const auto found = store().FindByRequestId(Soon(), draft.caller, RequestId(draft.request));

  ASSERT_TRUE(found.ok() && found->has_value()) << found.status();
  const Movement& movement = (*found)->movement;
  EXPECT_EQ((*found)->content_hash, written.content_hash);
  EXPECT_EQ(movement.movement_id, movement_id);
  EXPECT_EQ(movement.reason, Reason::kReceive);
  EXPECT_EQ(movement.lines, written.movement.lines);
  EXPECT_EQ(movement.occurred_time, written.movement.occurred_time);
  EXPECT_EQ(movement.caller, draft.caller);
  EXPECT_EQ(movement.source_document, draft.paper);
  EXPECT_EQ(movement.note, draft.note);
  EXPECT_FALSE(movement.reverses.has_value() || movement.reversed_by.has_value() ||
               movement.document.has_value());
}

TEST_P(StockStoreContract, ScopesARequestToItsCaller) {
  ASSERT_TRUE(PostDraft(store(), {.caller = "persons/anna"}, uuids_.Next()).ok());

  const auto hers = store().FindByRequestId(Soon(), "persons/anna", RequestId(1));
  const auto his = store().FindByRequestId(Soon(), "persons/boris", RequestId(1));

  EXPECT_TRUE(hers->has_value());
  EXPECT_FALSE(his->has_value());
  EXPECT_TRUE(PostDraft(store(), {.caller = "persons/boris"}, uuids_.Next()).ok());
  EXPECT_THAT(Quantities(store(), {kAvailableKey}), ElementsAre(10));
}

TEST_P(StockStoreContract, ShowsNothingBeforeCommit) {
  const base::Uuid movement_id = uuids_.Next();
  ASSERT_TRUE(store().MakeBalances(Soon(), {kAvailableKey, kSupplierKey}).ok());

  ASSERT_TRUE(store()
                  .Atomically(Soon(),
                              [&](StockBook& book) -> absl::Status {
                                QM_RETURN_IF_ERROR(LockAndRecord(book, {}, movement_id));
                                const auto by_request =
                                    store().FindByRequestId(Soon(), "persons/clerk", RequestId(1));
                                const auto by_id = store().FindMovement(Soon(), movement_id);
                                EXPECT_FALSE(by_request->has_value());
                                EXPECT_FALSE(by_id->has_value());
                                return absl::OkStatus();
                              })
                  .ok());

  EXPECT_TRUE(store().FindMovement(Soon(), movement_id)->has_value());
}

TEST_P(StockStoreContract, LeavesNoTraceOfABodyThatFails) {
  const base::Uuid movement_id = uuids_.Next();
  const absl::Status refusal = absl::FailedPreconditionError("no");
  ASSERT_TRUE(store().MakeBalances(Soon(), {kAvailableKey, kSupplierKey}).ok());

  const absl::Status status = store().Atomically(Soon(), [&](StockBook& book) -> absl::Status {
    QM_RETURN_IF_ERROR(LockAndRecord(
        book, {.paper = SourceDocument{.issuer = "ministry", .number = "1"}, .note = "x"},
        movement_id));
    return refusal;
  });

  EXPECT_EQ(status, refusal);
  EXPECT_FALSE(store().FindMovement(Soon(), movement_id)->has_value());
  EXPECT_THAT(Quantities(store(), {kSupplierKey, kAvailableKey}), ElementsAre(0, 0));
}

// A row made inside a transaction would go with it, and what remembers the row would be wrong.
TEST_P(StockStoreContract, KeepsMadeBalancesWhateverBecomesOfTheTransaction) {
  const std::vector<BalanceKey> keys = {kAvailableKey, kSupplierKey};
  ASSERT_TRUE(store().MakeBalances(Soon(), keys).ok());
  ASSERT_FALSE(store()
                   .Atomically(Soon(),
                               [&](StockBook& book) -> absl::Status {
                                 QM_RETURN_IF_ERROR(book.LockBalances(keys).status());
                                 return absl::FailedPreconditionError("no");
                               })
                   .ok());
  int run_count = 0;

  const absl::Status status = store().Atomically(Soon(), [&](StockBook& book) {
    ++run_count;
    return book.LockBalances(keys).status();
  });

  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(run_count, 1);
}

TEST_P(StockStoreContract, RunsAgainWhenATwinWroteFirst) {
  const base::Uuid own = uuids_.Next();
  const base::Uuid twin = uuids_.Next();
  const Draft elsewhere = {.destination = KeyOf(kDepotId, State::kQuarantine)};
  ASSERT_TRUE(store().MakeBalances(Soon(), {kAvailableKey, kSupplierKey}).ok());
  std::vector<std::optional<base::Uuid>> seen;

  const absl::Status status = store().Atomically(Soon(), [&](StockBook& book) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const std::optional<EarlierMovement> earlier,
                        book.FindByRequestId("persons/clerk", RequestId(1)));
    seen.push_back(earlier.has_value() ? std::optional(earlier->movement.movement_id)
                                       : std::nullopt);
    if (earlier.has_value()) return absl::OkStatus();
    // The twin commits between our look-up and our insert.
    EXPECT_TRUE(PostDraft(store(), elsewhere, twin).ok());
    return LockAndRecord(book, {}, own);
  });

  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(seen, ElementsAre(std::nullopt, twin));
  EXPECT_FALSE(store().FindMovement(Soon(), own)->has_value());
  EXPECT_THAT(Quantities(store(), {kAvailableKey}), ElementsAre(0));
}

TEST_P(StockStoreContract, RunsAgainWhenThePaperWasPostedMeanwhile) {
  const SourceDocument paper = {.issuer = "ministry", .number = "2020-17", .line = 1};
  const base::Uuid first = uuids_.Next();
  const Draft theirs = {.destination = KeyOf(kDepotId, State::kQuarantine),
                        .request = 2,
                        .caller = "persons/boris",
                        .paper = paper};
  ASSERT_TRUE(store().MakeBalances(Soon(), {kAvailableKey, kSupplierKey}).ok());
  std::vector<std::optional<base::Uuid>> seen;

  const absl::Status status = store().Atomically(Soon(), [&](StockBook& book) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const std::optional<base::Uuid> holder, book.FindBySourceDocument(paper));
    seen.push_back(holder);
    if (holder.has_value()) return absl::OkStatus();
    EXPECT_TRUE(PostDraft(store(), theirs, first).ok());
    return LockAndRecord(book, {.paper = paper}, uuids_.Next());
  });

  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(seen, ElementsAre(std::nullopt, first));
}

TEST_P(StockStoreContract, TellsPapersApartByIssuerNumberAndLine) {
  const SourceDocument paper = {.issuer = "ministry", .number = "A-1", .line = 1};
  ASSERT_TRUE(PostDraft(store(), {.paper = paper}, uuids_.Next()).ok());
  const SourceDocument others[] = {{.issuer = "province", .number = "A-1", .line = 1},
                                   {.issuer = "ministry", .number = "a-1", .line = 1},
                                   {.issuer = "ministry", .number = "A-1", .line = 2}};

  uint64_t request = 2;
  for (const SourceDocument& other : others) {
    EXPECT_TRUE(PostDraft(store(), {.request = request++, .paper = other}, uuids_.Next()).ok());
  }

  EXPECT_THAT(Quantities(store(), {kAvailableKey}), ElementsAre(20));
}

TEST_P(StockStoreContract, ReversalNamesItsOriginalAndFreesItsPaper) {
  const SourceDocument paper = {.issuer = "ministry", .number = "2020-17", .line = 1};
  const base::Uuid original = uuids_.Next();
  const base::Uuid reversal = uuids_.Next();
  ASSERT_TRUE(PostDraft(store(), {.paper = paper}, original).ok());
  std::optional<Movement> locked;

  ASSERT_TRUE(store()
                  .Atomically(Soon(),
                              [&](StockBook& book) -> absl::Status {
                                QM_ASSIGN_OR_RETURN(locked, book.LockMovement(original));
                                return LockAndRecord(book,
                                                     {.source = kAvailableKey,
                                                      .destination = kSupplierKey,
                                                      .request = 2,
                                                      .reverses = original},
                                                     reversal);
                              })
                  .ok());

  ASSERT_TRUE(locked.has_value());
  EXPECT_FALSE(locked->reversed_by.has_value());
  EXPECT_EQ((*store().FindMovement(Soon(), original))->reversed_by, reversal);
  EXPECT_EQ((*store().FindMovement(Soon(), original))->source_document, paper);
  EXPECT_EQ((*store().FindMovement(Soon(), reversal))->reverses, original);
  // The first answer did not know of the reversal, and is given again as it was.
  EXPECT_FALSE((*store().FindByRequestId(Soon(), "persons/clerk", RequestId(1)))
                   ->movement.reversed_by.has_value());
  EXPECT_TRUE(PostDraft(store(), {.request = 3, .paper = paper}, uuids_.Next()).ok());
}

TEST_P(StockStoreContract, SecondReversalSeesTheFirstOnceItHasTheLock) {
  const base::Uuid original = uuids_.Next();
  const base::Uuid reversal = uuids_.Next();
  ASSERT_TRUE(PostDraft(store(), {}, original).ok());
  absl::Notification is_locked;
  absl::Notification second_is_done;
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

TEST_P(StockStoreContract, LocksNoMovementThatDoesNotExist) {
  std::optional<Movement> locked;

  ASSERT_TRUE(store()
                  .Atomically(Soon(),
                              [&](StockBook& book) -> absl::Status {
                                QM_ASSIGN_OR_RETURN(locked, book.LockMovement(RequestId(9)));
                                return absl::OkStatus();
                              })
                  .ok());

  EXPECT_FALSE(locked.has_value());
}

// Goal: nobody decides on an amount that another transaction is about to change.
// Method: one holds the rows and changes them; the second asks for them meanwhile. Whenever it gets
// them, it must see what the first one wrote: without row locks it would see what was there before,
// and with an amount read before the lock it would too.
TEST_P(StockStoreContract, LockedBalancesShowWhatTheLastHolderWrote) {
  const std::vector<BalanceKey> keys = {kAvailableKey, kSupplierKey};
  ASSERT_TRUE(PostDraft(store(), {.amount = 5}, uuids_.Next()).ok());
  absl::Notification is_locked;
  absl::Notification second_is_done;
  std::vector<int64_t> seen_by_second;
  std::thread second([&] {
    is_locked.WaitForNotification();
    seen_by_second = Quantities(store(), keys);
    second_is_done.Notify();
  });

  EXPECT_TRUE(
      store()
          .Atomically(Soon(),
                      [&](StockBook& book) -> absl::Status {
                        QM_ASSIGN_OR_RETURN(std::vector<Balance> balances, book.LockBalances(keys));
                        is_locked.Notify();
                        EXPECT_TRUE(testing::WaitUntil(Soon(), [&] {
                          return under_test_->IsAnyoneWaiting() || second_is_done.HasBeenNotified();
                        }));
                        const Draft draft = {.amount = 7, .request = 2};
                        return book.Record(CallBy(), MakeRecord(draft, uuids_.Next(), balances));
                      })
          .ok());
  second.join();

  EXPECT_THAT(seen_by_second, ElementsAre(12, -12));
}

TEST_P(StockStoreContract, KeepsWhatADocumentPostedOutOfTheRequestsOfCallers) {
  const base::Uuid movement_id = uuids_.Next();
  under_test_->MakeTransfer(RequestId(77));
  ASSERT_TRUE(PostDraft(store(), {.document = RequestId(77)}, movement_id).ok());

  EXPECT_FALSE(store().FindByRequestId(Soon(), "persons/clerk", RequestId(1))->has_value());
  EXPECT_EQ((*store().FindMovement(Soon(), movement_id))->document, RequestId(77));
  // One request of a document may post several movements.
  EXPECT_TRUE(PostDraft(store(), {.document = RequestId(77)}, uuids_.Next()).ok());
}

TEST_P(StockStoreContract, SumsWhatIsReservedThereOfThatLotAlone) {
  for (const uint8_t holder : {1, 2}) {
    under_test_->MakeTransfer(HeldFor(holder, State::kReserved).holder);
  }
  ASSERT_TRUE(PostDraft(store(), {.amount = 100}, uuids_.Next()).ok());
  const auto reserve = [&](const BalanceKey& destination, int64_t amount, uint64_t request) {
    EXPECT_TRUE(PostDraft(store(),
                          {.source = kAvailableKey,
                           .destination = destination,
                           .amount = amount,
                           .request = request},
                          uuids_.Next())
                    .ok());
  };
  reserve(HeldFor(1, State::kReserved), 3, 2);
  reserve(HeldFor(2, State::kReserved), 4, 3);
  reserve(HeldFor(1, State::kInTransit), 8, 4);
  int64_t here = -1;
  int64_t there = -1;
  int64_t other_lot = -1;

  ASSERT_TRUE(store()
                  .Atomically(Soon(),
                              [&](StockBook& book) -> absl::Status {
                                QM_ASSIGN_OR_RETURN(here, book.SumReserved(kDepotId, kMasksId));
                                QM_ASSIGN_OR_RETURN(there, book.SumReserved(kRoomId, kMasksId));
                                QM_ASSIGN_OR_RETURN(other_lot,
                                                    book.SumReserved(kDepotId, kOtherMasksId));
                                return absl::OkStatus();
                              })
                  .ok());

  EXPECT_EQ(here, 7);
  EXPECT_EQ(there, 0);
  EXPECT_EQ(other_lot, 0);
}

TEST_P(StockStoreContract, RefusesANegativeInsideBalanceAsItsLastLine) {
  const absl::Status status = PostDraft(
      store(), {.source = kAvailableKey, .destination = KeyOf(kDepotId, State::kConsumed)},
      uuids_.Next());

  EXPECT_TRUE(absl::IsInternal(status)) << status;
  EXPECT_FALSE(store().FindByRequestId(Soon(), "persons/clerk", RequestId(1))->has_value());
}

TEST_P(StockStoreContract, FindsLotsByNameAndLeavesOutWhatIsNotThere) {
  for (int again = 0; again < 2; ++again) {
    const auto lots = store().FindLots(Soon(), {kMasks, "items/n95-mask/lots/none", kAlcohol});

    ASSERT_TRUE(lots.ok()) << lots.status();
    std::vector<std::string> names;
    for (const LotRow& row : *lots) {
      names.push_back(row.lot.name);
      EXPECT_EQ(row.id, row.lot.name == kMasks ? kMasksId : kAlcoholId);
    }
    EXPECT_THAT(names, ::testing::UnorderedElementsAre(kMasks, kAlcohol));
  }
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
