#include "tests/storage/store_contract.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <optional>

#include "platform/base/status_macros.h"
#include "platform/status/error.h"
#include "tests/storage/movement_drafts.h"

namespace quartermaster::inventory {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

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
                                QM_ASSIGN_OR_RETURN(balances, LockBalances(book, keys));
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
    return LockBalances(book, {kAvailableKey}).status();
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
  const MovementRecord written = MakeRecord(draft, movement_id, {}).movements.front();

  const auto found = store().FindRequest(Soon(), {draft.caller, RequestId(draft.request)});

  ASSERT_TRUE(found.ok() && found->has_value()) << found.status();
  const Movement& movement = *(*found)->movement;
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

  const auto hers = store().FindRequest(Soon(), {"persons/anna", RequestId(1)});
  const auto his = store().FindRequest(Soon(), {"persons/boris", RequestId(1)});

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
                                    store().FindRequest(Soon(), {"persons/clerk", RequestId(1)});
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
                                 QM_RETURN_IF_ERROR(LockBalances(book, keys).status());
                                 return absl::FailedPreconditionError("no");
                               })
                   .ok());
  int run_count = 0;

  const absl::Status status = store().Atomically(Soon(), [&](StockBook& book) {
    ++run_count;
    return LockBalances(book, keys).status();
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
    QM_ASSIGN_OR_RETURN(const std::optional<EarlierRequest> earlier,
                        FindRequest(book, {"persons/clerk", RequestId(1)}));
    seen.push_back(earlier.has_value() ? std::optional(earlier->movement->movement_id)
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
    QM_ASSIGN_OR_RETURN(const std::optional<base::Uuid> holder, FindPaper(book, paper));
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
  EXPECT_FALSE((*store().FindRequest(Soon(), {"persons/clerk", RequestId(1)}))
                   ->movement->reversed_by.has_value());
  EXPECT_TRUE(PostDraft(store(), {.request = 3, .paper = paper}, uuids_.Next()).ok());
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

TEST_P(StockStoreContract, KeepsWhatADocumentPostedOutOfTheRequestsOfCallers) {
  const base::Uuid movement_id = uuids_.Next();
  under_test_->MakeTransfer(RequestId(77));
  ASSERT_TRUE(PostDraft(store(), {.document = RequestId(77)}, movement_id).ok());

  EXPECT_FALSE(store().FindRequest(Soon(), {"persons/clerk", RequestId(1)})->has_value());
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
  std::vector<int64_t> sums;

  ASSERT_TRUE(store()
                  .Atomically(Soon(),
                              [&](StockBook& book) -> absl::Status {
                                QM_ASSIGN_OR_RETURN(sums,
                                                    book.SumReserved({{kDepotId, kMasksId},
                                                                      {kRoomId, kMasksId},
                                                                      {kDepotId, kOtherMasksId}}));
                                return absl::OkStatus();
                              })
                  .ok());

  EXPECT_THAT(sums, ElementsAre(7, 0, 0));
}

TEST_P(StockStoreContract, FindsARequestThatWroteADocumentWithoutAMovement) {
  const RequestKey request = {.caller = "persons/clerk", .request_id = RequestId(1)};
  under_test_->MakeDocumentRequest(request);

  const auto found = store().FindRequest(Soon(), request);
  const auto of_another = store().FindRequest(Soon(), {"persons/anna", RequestId(1)});

  ASSERT_TRUE(found.ok() && found->has_value()) << found.status();
  EXPECT_FALSE((*found)->movement.has_value());
  EXPECT_FALSE(of_another->has_value());
}

// A turn of many: what two movements of one transaction do to one balance adds up, and each is
// found by its own request.
TEST_P(StockStoreContract, WritesManyMovementsAsOne) {
  ASSERT_TRUE(store().MakeBalances(Soon(), {kAvailableKey, kSupplierKey}).ok());
  const base::Uuid first = uuids_.Next();
  const base::Uuid second = uuids_.Next();
  const Draft twice = {.amount = 3,
                       .request = 2,
                       .paper = SourceDocument{.issuer = "a", .number = "1"},
                       .note = "x"};
  const auto write = [&](StockBook& book) -> absl::Status {
    QM_ASSIGN_OR_RETURN(std::vector<Balance> balances,
                        LockBalances(book, {kAvailableKey, kSupplierKey}));
    TurnRecord turn = MakeRecord({.amount = 5}, first, std::move(balances));
    TurnRecord more = MakeRecord(twice, second, std::move(turn.balances_after));
    turn.movements.push_back(std::move(more.movements.front()));
    turn.balances_after = std::move(more.balances_after);
    return book.RecordAndCommit(turn);
  };

  const absl::Status written = store().Atomically(Soon(), write);

  ASSERT_TRUE(written.ok()) << written;
  EXPECT_THAT(Quantities(store(), {kSupplierKey, kAvailableKey}), ElementsAre(-8, 8));
  EXPECT_EQ((*store().FindRequest(Soon(), {"persons/clerk", RequestId(1)}))->movement->movement_id,
            first);
  const auto found = store().FindRequest(Soon(), {"persons/clerk", RequestId(2)});
  EXPECT_EQ((*found)->movement->movement_id, second);
  EXPECT_EQ((*found)->movement->note, "x");
  EXPECT_EQ((*found)->movement->source_document, twice.paper);
}

TEST_P(StockStoreContract, RefusesANegativeInsideBalanceAsItsLastLine) {
  const absl::Status status = PostDraft(
      store(), {.source = kAvailableKey, .destination = KeyOf(kDepotId, State::kConsumed)},
      uuids_.Next());

  EXPECT_TRUE(absl::IsInternal(status)) << status;
  EXPECT_FALSE(store().FindRequest(Soon(), {"persons/clerk", RequestId(1)})->has_value());
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

}  // namespace quartermaster::inventory
