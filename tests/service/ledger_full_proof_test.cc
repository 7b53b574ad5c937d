// `Ledger.ProveConservation` from the lines: the whole of it, page by page, while others post,
// across restarts; and what it says of books that were tampered with.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/rpc/page_token.h"
#include "platform/rpc/parse.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class FullProofTest : public LedgerTest {
 protected:
  FullProofTest() { Restart(); }

  void Restart() {
    server_.reset();
    server_ = InventoryServer::Start(database_, {.seals = true, .keeps_history = true});
    server_->authenticator().Grant(
        kClerk, "units/city",
        {"ledger.read", "ledger.post", "ledger.reverse", "ledger.prove", "ledger.correct"});
    server_->authenticator().Grant(kEast, "units/east", {"ledger.prove"});
    server_->authenticator().Grant(kStranger, "units/city", {"ledger.read"});
  }

  static v1::ProveConservationRequest AProof(int page_size = 0, const std::string& item = "") {
    v1::ProveConservationRequest request;
    request.set_from_lines(true);
    request.set_page_size(page_size);
    request.set_item(item);
    return request;
  }

  absl::StatusOr<v1::ProveConservationResponse> Prove(const v1::ProveConservationRequest& request,
                                                      const std::string& caller = kClerk) {
    return server_->Call(&LedgerStub::ProveConservation, request, caller);
  }

  // Goes on from `request` to the end. `is_conserved` is of all pages together.
  v1::ProveConservationResponse ProveAll(v1::ProveConservationRequest request,
                                         int* page_count = nullptr) {
    v1::ProveConservationResponse all;
    bool is_conserved = true;
    do {
      const auto page = Prove(request);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      is_conserved &= page->is_conserved();
      all.MergeFrom(*page);
      request.set_page_token(page->next_page_token());
      if (page_count != nullptr) ++*page_count;
    } while (!request.page_token().empty());
    all.set_is_conserved(is_conserved);
    all.clear_next_page_token();
    all.clear_read_time();
    all.clear_sealed_moment();
    return all;
  }

  void CatchUp() {
    EXPECT_TRUE(WaitUntil(absl::Now() + absl::Seconds(20), [&] {
      const auto lease = database_.pool().Acquire(absl::Now() + absl::Seconds(10));
      const auto rows = (*lease)->Query(
          "SELECT (SELECT COUNT(*) FROM records) = (SELECT sequence FROM history_progress)");
      return rows.ok() && !rows->empty() && !(*rows)[0].IsNull(0) && (*rows)[0].Int64(0) == 1;
    }));
  }

  void Execute(const std::string& sql, const std::vector<mysql::Value>& params = {}) {
    const auto lease = database_.pool().Acquire(absl::Now() + absl::Seconds(10));
    ASSERT_TRUE(lease.ok()) << lease.status();
    const auto done = (*lease)->Execute(sql, params);
    ASSERT_TRUE(done.ok()) << done.status();
    ASSERT_GT(*done, 0u) << sql;
  }

  // Some books: three lots, four places, in and out, a reversal, and goods in quarantine.
  void KeepBooks() {
    for (int i = 0; i < 6; ++i) {
      MustPost(AReceipt(100 + i));
      MustPost(AConsumption(30 + i));
    }
    ASSERT_EQ(Outcome(Reverse(AReversal(MustPost(AConsumption(7))))), "OK");
    MustPost(APosting(v1::RECEIVE, {ALine(kOtherMasks, kRoom, v1::DONOR, v1::QUARANTINE, 9)}));
    MustPost(AReceipt(900, kCabinet, kAlcohol));
    CatchUp();
  }

  // `KIND place STATE lot expected found`.
  static std::vector<std::string> Differences(const v1::ProveConservationResponse& proof) {
    std::vector<std::string> differences;
    for (const v1::BalanceDifference& difference : proof.differences()) {
      const auto& account = difference.account();
      differences.push_back(
          absl::StrCat(v1::BalanceDifference::Kind_Name(difference.kind()), " ",
                       account.location().substr(account.location().rfind('/') + 1), " ",
                       v1::AccountState_Name(account.state()), " ",
                       difference.lot().substr(difference.lot().rfind('/') + 1), " ",
                       difference.expected_quantity(), " ", difference.found_quantity()));
    }
    return differences;
  }
};

TEST_F(FullProofTest, SumsUpEveryLineByPagesOfAnySize) {
  KeepBooks();
  v1::ProveConservationRequest by_balances;
  const auto balances = Prove(by_balances);
  ASSERT_TRUE(balances.ok()) << balances.status();

  int page_count = 0;
  const v1::ProveConservationResponse whole = ProveAll(AProof(), &page_count);

  EXPECT_EQ(page_count, 1);
  EXPECT_TRUE(whole.is_conserved());
  EXPECT_THAT(whole.differences(), IsEmpty());
  // Both ends of sixteen lines.
  EXPECT_EQ(whole.summed_line_count(), 32);
  EXPECT_EQ(whole.checked_balance_count(), whole.balance_count());
  ASSERT_THAT(whole.proofs(), SizeIs(2));
  EXPECT_EQ(whole.proofs(0).SerializeAsString(), balances->proofs(1).SerializeAsString());
  EXPECT_EQ(whole.proofs(1).SerializeAsString(), balances->proofs(0).SerializeAsString());
  for (const int page_size : {1, 2, 5, 31}) {
    page_count = 0;
    const v1::ProveConservationResponse proof = ProveAll(AProof(page_size), &page_count);
    EXPECT_EQ(proof.ShortDebugString(), whole.ShortDebugString()) << page_size;
    EXPECT_GE(page_count, 32 / (page_size + 1)) << page_size;
  }
  const v1::ProveConservationResponse alcohol = ProveAll(AProof(1, "items/alcohol"));
  ASSERT_THAT(alcohol.proofs(), SizeIs(1));
  EXPECT_EQ(alcohol.proofs(0).inside_quantity(), 900);
  EXPECT_EQ(alcohol.balance_count(), 2);
  EXPECT_THAT(ProveAll(AProof(0, "items/vaccine")).proofs(), IsEmpty());
}

// Goal: whatever was changed behind the ledger's back is named, by account and lot, with what its
// lines say and what was found.
TEST_F(FullProofTest, NamesWhatWasTamperedWith) {
  KeepBooks();
  const std::string balance =
      "UPDATE balances SET quantity = quantity + ? WHERE state = 1 AND lot_id = (SELECT lot_id "
      "FROM "
      "lots WHERE name = 'm1')";
  const std::string line =
      "UPDATE movement_lines SET quantity = quantity + ? WHERE lot_id = (SELECT lot_id FROM lots "
      "WHERE name = 'a1')";
  const std::string history =
      "UPDATE balance_lines SET quantity = quantity + ? WHERE balance_id = (SELECT balance_id FROM "
      "balances WHERE state = 3)";
  const auto expect = [&](const ::testing::Matcher<std::vector<std::string>>& differences) {
    for (const int page_size : {0, 1, 3}) {
      const v1::ProveConservationResponse proof = ProveAll(AProof(page_size));
      EXPECT_THAT(Differences(proof), differences);
      EXPECT_FALSE(proof.is_conserved());
    }
  };

  Execute(balance, {int64_t{-1}});
  expect(ElementsAre("BALANCE depot AVAILABLE m1 420 419"));
  Execute(balance, {int64_t{1}});
  Execute(line, {int64_t{50}});
  expect(UnorderedElementsAre(
      "BALANCE cabinet AVAILABLE a1 950 900", "HISTORY cabinet AVAILABLE a1 950 900",
      "BALANCE cabinet SUPPLIER a1 -950 -900", "HISTORY cabinet SUPPLIER a1 -950 -900"));
  Execute(line, {int64_t{-50}});
  Execute(history, {int64_t{2}});
  expect(ElementsAre("HISTORY room QUARANTINE m2 9 11"));
  Execute(history, {int64_t{-2}});
  // One end of a line is moved to another account: goods appear in one and the item does not sum to
  // zero where the other is gone.
  Execute(
      "UPDATE movement_lines SET source_balance_id = destination_balance_id WHERE lot_id = (SELECT "
      "lot_id FROM lots WHERE name = 'm2')");
  expect(UnorderedElementsAre("BALANCE room QUARANTINE m2 0 9", "HISTORY room QUARANTINE m2 0 9",
                              "BALANCE room DONOR m2 0 -9", "HISTORY room DONOR m2 0 -9"));
  Execute(
      "UPDATE movement_lines l SET source_balance_id = (SELECT balance_id FROM balances WHERE "
      "state "
      "= 17) WHERE lot_id = (SELECT lot_id FROM lots WHERE name = 'm2')");
  EXPECT_TRUE(ProveAll(AProof()).is_conserved());
}

// Goal: a proof that was cut short, with the service, goes on where it stood and says the same.
TEST_F(FullProofTest, GoesOnAfterARestart) {
  KeepBooks();
  Execute("UPDATE balances SET quantity = quantity - 1 WHERE state = 3");
  const v1::ProveConservationResponse whole = ProveAll(AProof());
  v1::ProveConservationRequest request = AProof(1);
  v1::ProveConservationResponse before;
  for (int i = 0; i < 9; ++i) {
    const auto page = Prove(request);
    ASSERT_TRUE(page.ok()) << page.status();
    before.MergeFrom(*page);
    request.set_page_token(page->next_page_token());
    ASSERT_NE(request.page_token(), "");
  }

  Restart();
  MustPost(AReceipt(5));
  request.set_page_size(4);
  before.MergeFrom(ProveAll(request));

  before.clear_read_time();
  before.clear_next_page_token();
  before.clear_sealed_moment();
  EXPECT_EQ(Differences(before), Differences(whole));
  EXPECT_THAT(Differences(whole), ElementsAre("BALANCE room QUARANTINE m2 9 8"));
  ASSERT_THAT(before.proofs(), SizeIs(2));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(before.proofs(i).SerializeAsString(), whole.proofs(i).SerializeAsString());
  }
  Execute("UPDATE balances SET quantity = quantity + 1 WHERE state = 3");
}

// Goal: no false alarm, and no page that waits, while everything moves.
// Method: three callers post to the same accounts and reverse, while proofs of pages of every size
// go through. Each proof is compared with the sums of its moment.
TEST_F(FullProofTest, IsExactWhileOthersPost) {
  KeepBooks();
  std::atomic<bool> is_done = false;
  std::atomic<int> posting_count = 0;
  std::vector<std::thread> callers;
  std::vector<std::vector<v1::PostMovementRequest>> requests(3);
  for (size_t caller = 0; caller < 3; ++caller) {
    for (int i = 0; i < 400; ++i) {
      requests[caller].push_back(i % 2 == 0 ? AReceipt(3, i % 3 == 0 ? kDepot : kShelf)
                                            : AConsumption(2, i % 3 == 0 ? kDepot : kShelf));
    }
    callers.emplace_back([&, caller] {
      for (const auto& request : requests[caller]) {
        if (is_done) return;
        // Some find too little, which is no matter here.
        server_->Call(&LedgerStub::PostMovement, request, kClerk).status().IgnoreError();
        ++posting_count;
      }
    });
  }
  int proof_count = 0;
  while (posting_count < 600 || proof_count < 4) {
    const int page_size = proof_count % 2 == 0 ? 40 : 400;
    const v1::ProveConservationResponse proof = ProveAll(AProof(page_size));
    EXPECT_TRUE(proof.is_conserved()) << proof.ShortDebugString();
    EXPECT_THAT(Differences(proof), IsEmpty());
    ++proof_count;
  }
  is_done = true;
  for (std::thread& caller : callers) caller.join();
}

TEST_F(FullProofTest, ProvesAPastMoment) {
  const auto first = Post(AReceipt(100));
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = Post(AConsumption(40));
  const auto time_of = [](const v1::Movement& movement) {
    return absl::FromUnixSeconds(movement.record_time().seconds()) +
           absl::Nanoseconds(movement.record_time().nanos());
  };
  v1::ProveConservationRequest request = AProof(1);
  *request.mutable_as_of()->mutable_record_time() = rpc::RenderTimestamp(time_of(*second));
  ASSERT_TRUE(WaitUntil(absl::Now() + absl::Seconds(20), [&] { return Prove(request).ok(); }));

  EXPECT_EQ(ProveAll(request).proofs(0).inside_quantity(), 60);
  *request.mutable_as_of()->mutable_record_time() = rpc::RenderTimestamp(time_of(*first));
  const v1::ProveConservationResponse proof = ProveAll(request);
  EXPECT_EQ(proof.proofs(0).inside_quantity(), 100);
  EXPECT_EQ(proof.proofs(0).outside_quantity(), -100);
  EXPECT_TRUE(proof.is_conserved());
}

TEST_F(FullProofTest, FailsInTheDocumentedOrder) {
  MustPost(AReceipt(5));
  CatchUp();
  v1::ProveConservationRequest request = AProof(-1, "mask");
  request.set_page_token("x");
  *request.mutable_as_of()->mutable_record_time() =
      rpc::RenderTimestamp(absl::Now() - absl::Microseconds(1));
  request.mutable_as_of()->mutable_occurred_time()->set_seconds(1);

  EXPECT_EQ(Outcome(Prove(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Prove(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(Prove(request, kEast)),
              ElementsAre("item", "page_size", "as_of.occurred_time", "page_token"));
  request.set_item("items/ghost");
  request.set_page_size(0);
  request.clear_page_token();
  request.mutable_as_of()->clear_occurred_time();
  v1::ProveConservationRequest ahead = request;
  *ahead.mutable_as_of()->mutable_record_time() =
      rpc::RenderTimestamp(absl::Now() + absl::Minutes(1));
  EXPECT_THAT(ViolatedFields(Prove(ahead, kEast)), ElementsAre("as_of.record_time"));
  EXPECT_EQ(Outcome(Prove(request, kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  const auto too_soon = Prove(request);
  EXPECT_EQ(Outcome(too_soon), "FAILED_PRECONDITION NOT_SEALED_YET");
  EXPECT_NE(Metadata(too_soon, "closed_time"), "(none)");
  request.clear_as_of();
  EXPECT_EQ(Outcome(Prove(request)), "NOT_FOUND ITEM_NOT_FOUND");
  request = AProof(1, "items/mask");
  const auto page = Prove(request);
  ASSERT_TRUE(page.ok()) << page.status();
  request.set_page_token(page->next_page_token());
  EXPECT_EQ(Outcome(Prove(request)), "OK");
  request.set_item("items/alcohol");
  EXPECT_THAT(ViolatedFields(Prove(request)), ElementsAre("page_token"));
  // Pages and moments are of proofs from the lines.
  request.set_from_lines(false);
  request.mutable_as_of()->mutable_record_time()->set_seconds(1);
  EXPECT_THAT(ViolatedFields(Prove(request)), ElementsAre("page_size", "page_token", "as_of"));
}

// Goal: a token is no secret, so whoever makes one up gets an answer or a refusal, and nothing else
// happens.
TEST_F(FullProofTest, SurvivesTokensThatSomebodyMadeUp) {
  MustPost(AReceipt(5));
  CatchUp();
  v1::ProveConservationRequest request = AProof();
  const std::string query = "ProveConservation\n" + AProof().SerializeAsString();
  const auto outcome = [&](const std::string& position) {
    request.set_page_token(rpc::MakePageToken(query, position));
    return Outcome(Prove(request));
  };
  const std::string id = "/00000000-0000-0000-0000-000000000000/";

  EXPECT_EQ(outcome("1/0/0/0/0/0/0/0/0/0/0"), "OK");
  EXPECT_EQ(outcome("0/4000000000/255/4000000000/-9/9/7/7/0/0/0"),
            "INVALID_ARGUMENT INVALID_FIELD");
  EXPECT_EQ(outcome("1/0/0/0/0/0/0/0/0/0/0/4294967295/1/255/9223372036854775807/0/1" + id + "5/-5"),
            "OK");
  EXPECT_EQ(outcome("1/0/0/0/0/0/0/0/0/0/0/1/1/1/1/-1/1" + id + "0/0"),
            "INVALID_ARGUMENT INVALID_FIELD");
  EXPECT_EQ(outcome("1/0/0/0/999999999999999999999999999999999999999/0/0/0/0/0/0"),
            "INVALID_ARGUMENT INVALID_FIELD");
  EXPECT_EQ(outcome("1"), "INVALID_ARGUMENT INVALID_FIELD");
}

}  // namespace
}  // namespace quartermaster::testing
