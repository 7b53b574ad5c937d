// Ledger.ReverseMovement and Ledger.GetMovement.

#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

using ReverseMovementTest = LedgerTest;
using GetMovementTest = LedgerTest;

// A receipt at two units.
v1::PostMovementRequest AReceiptOfBoth(int64_t amount) {
  return APosting(v1::RECEIVE, {ALine(kMasks, kDepot, v1::SUPPLIER, v1::AVAILABLE, amount),
                                ALine(kMasks, kRoom, v1::SUPPLIER, v1::AVAILABLE, amount)});
}

TEST_F(ReverseMovementTest, FailsInTheDocumentedOrder) {
  const v1::PostMovementRequest earlier = AReceipt(1);
  MustPost(earlier, kEast);
  const std::string both = MustPost(AReceiptOfBoth(5));
  const std::string consumed = MustPost(AConsumption(3));
  const std::string reversal = Reverse(AReversal(consumed))->name();
  v1::ReverseMovementRequest request;

  EXPECT_EQ(Outcome(Reverse(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Reverse(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(Reverse(request, kEast)),
              UnorderedElementsAre("name", "note", "request_id"));
  request = AReversal(absl::StrCat("movements/", kUnusedUuid));
  request.set_request_id(earlier.request_id());
  EXPECT_EQ(Outcome(Reverse(request, kEast)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.set_request_id(NewRequestId());
  EXPECT_EQ(Outcome(Reverse(request, kEast)), "NOT_FOUND MOVEMENT_NOT_FOUND");
  request.set_name(both);
  const auto denied = Reverse(request, kEast);
  EXPECT_EQ(Outcome(denied), "PERMISSION_DENIED PERMISSION_DENIED");
  // Whose lines the caller does not see is not told either.
  EXPECT_THAT(denied.status().ToString(), Not(HasSubstr("west")));
  request.set_name(reversal);
  EXPECT_EQ(Outcome(Reverse(request)), "FAILED_PRECONDITION REVERSAL_NOT_REVERSIBLE");
  request.set_name(consumed);
  const auto twice = Reverse(request);
  EXPECT_EQ(Outcome(twice), "FAILED_PRECONDITION ALREADY_REVERSED");
  EXPECT_EQ(Metadata(twice, "reversal"), reversal);
  EXPECT_EQ(Metadata(twice, "movement"), consumed);
  MustPost(AConsumption(4));
  request.set_name(both);
  const auto short_of = Reverse(request);
  EXPECT_EQ(Outcome(short_of), "FAILED_PRECONDITION INSUFFICIENT_STOCK");
  EXPECT_EQ(Metadata(short_of, "wanted"), "5");
  EXPECT_EQ(Metadata(short_of, "available"), "2");
  EXPECT_EQ(Metadata(short_of, "location"), kDepot);
  MustPost(AReceipt(3));
  EXPECT_EQ(Outcome(Reverse(request)), "OK");
}

TEST_F(ReverseMovementTest, PutsEveryLineBackAsItWas) {
  v1::PostMovementRequest request =
      APosting(v1::RECEIVE, {ALine(kMasks, kDepot, v1::SUPPLIER, v1::AVAILABLE, 2),
                             ALine(kOtherMasks, kDepot, v1::DONOR, v1::QUARANTINE, 9)});
  request.mutable_lines(0)->mutable_quantity()->set_unit("box");
  request.mutable_occurred_time()->set_seconds(1'579'996'800);
  const auto original = Post(request);
  ASSERT_TRUE(original.ok()) << original.status();

  const auto reversal = Reverse(AReversal(original->name()), kEast);

  ASSERT_TRUE(reversal.ok()) << reversal.status();
  EXPECT_EQ(reversal->reason(), v1::REVERSE);
  EXPECT_EQ(reversal->reverses(), original->name());
  EXPECT_EQ(reversal->occurred_time().seconds(), 1'579'996'800);
  EXPECT_EQ(reversal->caller(), kEast);
  EXPECT_EQ(reversal->note(), "记错了");
  ASSERT_EQ(reversal->lines_size(), 2);
  // Last line first.
  EXPECT_EQ(reversal->lines(0).lot(), kOtherMasks);
  EXPECT_EQ(reversal->lines(0).source().state(), v1::QUARANTINE);
  EXPECT_EQ(reversal->lines(0).destination().state(), v1::DONOR);
  EXPECT_EQ(reversal->lines(1).quantity().unit(), "box");
  EXPECT_EQ(reversal->lines(1).base_quantity(), 100);
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 0);
  EXPECT_EQ(Holds(kDepot, v1::SUPPLIER), 0);
  EXPECT_EQ(Holds(kDepot, v1::QUARANTINE, kOtherMasks), 0);
  EXPECT_EQ(GetMovement(original->name())->reversed_by(), reversal->name());
}

// Goal: the amount that was fixed when the original was posted is what comes back, whatever a pack
// holds by now.
TEST_F(ReverseMovementTest, KeepsTheAmountThatWasFixed) {
  v1::DeclarePackRequest pack;
  pack.set_item("items/mask");
  pack.mutable_pack()->set_pack("carton");
  pack.mutable_pack()->mutable_content()->set_amount(1000);
  pack.set_request_id(NewRequestId());
  ASSERT_EQ(Outcome(server_->Call(&v1::Catalog::Stub::DeclarePack, pack, kAdmin)), "OK");
  v1::PostMovementRequest request = AReceipt(2);
  request.mutable_lines(0)->mutable_quantity()->set_unit("carton");
  const std::string original = MustPost(request);
  ASSERT_EQ(Holds(kDepot, v1::AVAILABLE), 2000);
  pack.mutable_pack()->mutable_content()->set_amount(800);
  pack.set_request_id(NewRequestId());
  ASSERT_EQ(Outcome(server_->Call(&v1::Catalog::Stub::DeclarePack, pack, kAdmin)), "OK");
  MustPost(AReceipt(7));

  const auto reversal = Reverse(AReversal(original));

  ASSERT_TRUE(reversal.ok()) << reversal.status();
  EXPECT_EQ(reversal->lines(0).base_quantity(), 2000);
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 7);
}

TEST_F(ReverseMovementTest, AnswersARepetitionByteForByte) {
  const v1::ReverseMovementRequest request = AReversal(MustPost(AReceipt(5)));
  const auto first = Reverse(request);
  ASSERT_TRUE(first.ok()) << first.status();

  const auto second = Reverse(request);

  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(Count("movements"), 2);
}

TEST_F(ReverseMovementTest, RefusesARequestIdWithAnotherContent) {
  const std::string one = MustPost(AReceipt(5));
  const std::string two = MustPost(AReceipt(5));
  v1::ReverseMovementRequest request = AReversal(one);
  ASSERT_EQ(Outcome(Reverse(request)), "OK");

  request.set_name(two);
  EXPECT_EQ(Outcome(Reverse(request)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.set_name(one);
  request.set_note("记错了。");
  EXPECT_EQ(Outcome(Reverse(request)), "ALREADY_EXISTS REQUEST_ID_REUSED");
}

// Goal: two callers reverse one movement at once; one does, the other learns the reversal's name.
TEST_F(ReverseMovementTest, OneOfTwoCallersReverses) {
  for (int round = 0; round < 16; ++round) {
    const std::string original = MustPost(AReceipt(5));
    const v1::ReverseMovementRequest requests[] = {AReversal(original), AReversal(original)};
    absl::StatusOr<v1::Movement> answers[] = {v1::Movement(), v1::Movement()};
    std::thread first([&] { answers[0] = Reverse(requests[0], kClerk); });
    std::thread second([&] { answers[1] = Reverse(requests[1], kEast); });
    first.join();
    second.join();

    const int winner = answers[0].ok() ? 0 : 1;
    ASSERT_TRUE(answers[winner].ok()) << answers[winner].status();
    EXPECT_EQ(Outcome(answers[1 - winner]), "FAILED_PRECONDITION ALREADY_REVERSED");
    EXPECT_EQ(Metadata(answers[1 - winner], "reversal"), answers[winner]->name());
  }
  EXPECT_EQ(Count("movements"), 32);
}

// Goal: a repeated reversal that runs beside its original gets the original's answer, never
// ALREADY_REVERSED.
TEST_F(ReverseMovementTest, TwinsAtOnceAreOneReversal) {
  for (int round = 0; round < 8; ++round) {
    const v1::ReverseMovementRequest request = AReversal(MustPost(AReceipt(5)));
    std::string answers[4];
    std::vector<std::thread> threads;
    for (std::string& answer : answers) {
      threads.emplace_back([&] {
        const auto reversed = Reverse(request);
        answer = reversed.ok() ? reversed->SerializeAsString() : Outcome(reversed);
      });
    }
    for (std::thread& thread : threads) thread.join();

    EXPECT_THAT(answers, ::testing::Each(answers[0]));
  }
  EXPECT_EQ(Count("movements"), 16);
}

// Goal: what is refused for a foreign movement reads the same as for one that is not there.
TEST_F(ReverseMovementTest, TellsNothingOfOtherUnits) {
  const std::string foreign = MustPost(AReceipt(5, kRoom));
  const auto reasons = [&](const std::string& name) {
    std::string words = std::string(Reverse(AReversal(name), kEast).status().message());
    words.replace(words.find(name), name.size(), "NAME");
    return absl::StrCat(Outcome(Reverse(AReversal(name), kEast)), ": ", words);
  };

  EXPECT_EQ(reasons(foreign), reasons(absl::StrCat("movements/", kUnusedUuid)));
  EXPECT_EQ(Count("movements"), 1);
}

TEST_F(GetMovementTest, FailsInTheDocumentedOrder) {
  const std::string west = MustPost(AReceipt(5, kRoom));
  const std::string both = MustPost(AReceiptOfBoth(1));

  EXPECT_EQ(Outcome(GetMovement("", "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(GetMovement("", kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  for (const char* name : {"", "movements/", "movements/x", "movement/x", kUnusedUuid}) {
    EXPECT_THAT(ViolatedFields(GetMovement(name, kEast)), ::testing::ElementsAre("name")) << name;
  }
  EXPECT_EQ(Outcome(GetMovement(absl::StrCat("movements/", kUnusedUuid), kEast)),
            "NOT_FOUND MOVEMENT_NOT_FOUND");
  EXPECT_EQ(Outcome(GetMovement(west, kEast)), "NOT_FOUND MOVEMENT_NOT_FOUND");
  EXPECT_EQ(Outcome(GetMovement(west, kWest)), "OK");
  EXPECT_EQ(GetMovement(both, kEast)->lines_size(), 1);
  EXPECT_EQ(GetMovement(both, kClerk)->lines_size(), 2);
}

TEST_F(GetMovementTest, SaysTheSameOfAForeignMovementAndOfNone) {
  const std::string foreign = MustPost(AReceipt(5, kRoom));
  const std::string none = absl::StrCat("movements/", kUnusedUuid);

  const absl::Status of_foreign = GetMovement(foreign, kEast).status();
  const absl::Status of_none = GetMovement(none, kEast).status();

  EXPECT_EQ(of_foreign.message(), absl::StrCat("there is no ", foreign));
  EXPECT_EQ(of_none.message(), absl::StrCat("there is no ", none));
}

}  // namespace
}  // namespace quartermaster::testing
