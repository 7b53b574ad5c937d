// Ledger.PostMovement.

#include <functional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

using PostMovementTest = LedgerTest;

// Goal: of everything that is wrong with a request, the caller is told what the contract puts
// first. Method: everything is wrong at once, then repaired from the top; each row must show the
// next.
TEST_F(PostMovementTest, FailsInTheDocumentedOrder) {
  const v1::PostMovementRequest earlier = WithPaper(AReceipt(1), "A-1");
  MustPost(earlier);
  v1::PostMovementRequest request;
  request.set_note(std::string(501, 'n'));

  EXPECT_EQ(Outcome(Post(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Post(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(Post(request, kEast)),
              UnorderedElementsAre("reason", "lines", "note", "request_id"));
  request =
      WithPaper(APosting(v1::FIND, {ALine("items/ghost/lots/ghost", "units/ghost/locations/ghost",
                                          v1::RESERVED, v1::QUARANTINE, INT64_MAX)}),
                "A-1");
  request.set_request_id(earlier.request_id());
  v1::MovementLine& line = *request.mutable_lines(0);
  line.mutable_quantity()->set_unit("barrel");
  EXPECT_EQ(Outcome(Post(request, kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  line.mutable_source()->set_location("units/east/locations/ghost");
  line.mutable_destination()->set_location("units/east/locations/ghost");
  EXPECT_EQ(Metadata(Post(request, kEast), "permission"), "ledger.correct");
  request.set_reason(v1::HOLD);
  const auto post = [&] { return Post(request, kClerk); };
  EXPECT_EQ(Outcome(post()), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.set_request_id(NewRequestId());
  EXPECT_EQ(Outcome(post()), "NOT_FOUND LOCATION_NOT_FOUND");
  line.mutable_source()->set_location(kDepot);
  line.mutable_destination()->set_location(kDepot);
  EXPECT_EQ(Outcome(post()), "NOT_FOUND ITEM_NOT_FOUND");
  line.set_lot("items/alcohol/lots/ghost");
  EXPECT_EQ(Outcome(post()), "NOT_FOUND LOT_NOT_FOUND");
  line.set_lot(kAlcohol);
  EXPECT_EQ(Outcome(post()), "FAILED_PRECONDITION UNIT_OF_MEASURE_UNKNOWN");
  line.mutable_quantity()->set_unit("litre");
  EXPECT_EQ(Outcome(post()), "FAILED_PRECONDITION QUANTITY_OVERFLOW");
  line.mutable_quantity()->set_amount(2);
  const auto state = post();
  EXPECT_EQ(Outcome(state), "FAILED_PRECONDITION STATE_CHANGE_NOT_ALLOWED");
  EXPECT_EQ(Metadata(state, "line"), "1");
  EXPECT_EQ(Metadata(state, "reason"), "HOLD");
  EXPECT_EQ(Metadata(state, "source_state"), "RESERVED");
  EXPECT_EQ(Metadata(state, "destination_state"), "QUARANTINE");
  line.mutable_source()->set_state(v1::AVAILABLE);
  const auto hazard = post();
  EXPECT_EQ(Outcome(hazard), "FAILED_PRECONDITION HAZARD_STORE_REQUIRED");
  EXPECT_EQ(Metadata(hazard, "line"), "1");
  EXPECT_EQ(Metadata(hazard, "item"), "items/alcohol");
  EXPECT_EQ(Metadata(hazard, "location"), kDepot);
  line.mutable_source()->set_location(kCabinet);
  line.mutable_destination()->set_location(kCabinet);
  const auto paper = post();
  EXPECT_EQ(Outcome(paper), "ALREADY_EXISTS SOURCE_DOCUMENT_POSTED");
  EXPECT_EQ(Metadata(paper, "movement"), Post(earlier)->name());
  request.mutable_source_document()->set_line(1);
  EXPECT_EQ(Outcome(post()), "FAILED_PRECONDITION INSUFFICIENT_STOCK");
  MustPost(AReceipt(1600, kCabinet, kAlcohol));
  EXPECT_EQ(Outcome(post()), "OK");
}

TEST_F(PostMovementTest, AnswersWithWhatItPosted) {
  v1::PostMovementRequest request = WithPaper(AReceipt(3), "A-7");
  request.mutable_lines(0)->mutable_quantity()->set_unit("box");
  *request.add_lines() = ALine(kAlcohol, kCabinet, v1::DONOR, v1::QUARANTINE, 5);
  request.mutable_occurred_time()->set_seconds(1'579'996'800);
  request.set_note("第一批\n夜间到货");

  const auto posted = Post(request, kEast);

  ASSERT_TRUE(posted.ok()) << posted.status();
  EXPECT_EQ(posted->reason(), v1::RECEIVE);
  ASSERT_EQ(posted->lines_size(), 2);
  EXPECT_EQ(posted->lines(0).lot(), kMasks);
  EXPECT_EQ(posted->lines(0).source().location(), kDepot);
  EXPECT_EQ(posted->lines(0).source().state(), v1::SUPPLIER);
  EXPECT_EQ(posted->lines(0).destination().state(), v1::AVAILABLE);
  EXPECT_EQ(posted->lines(0).quantity().amount(), 3);
  EXPECT_EQ(posted->lines(0).quantity().unit(), "box");
  EXPECT_EQ(posted->lines(0).base_quantity(), 150);
  EXPECT_EQ(posted->lines(0).line(), 1);
  EXPECT_EQ(posted->lines(1).base_quantity(), 5);
  EXPECT_EQ(posted->lines(1).line(), 2);
  EXPECT_EQ(posted->occurred_time().seconds(), 1'579'996'800);
  EXPECT_GT(posted->record_time().seconds(), 1'579'996'800);
  EXPECT_EQ(posted->caller(), kEast);
  EXPECT_EQ(posted->source_document().number(), "A-7");
  EXPECT_EQ(posted->note(), "第一批\n夜间到货");
  EXPECT_EQ(posted->reverses(), "");
  EXPECT_EQ(posted->reversed_by(), "");
  EXPECT_EQ(posted->document(), "");
  EXPECT_EQ(GetMovement(posted->name())->SerializeAsString(), posted->SerializeAsString());
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 150);
  EXPECT_EQ(Holds(kDepot, v1::SUPPLIER), -150);
  EXPECT_EQ(Holds(kCabinet, v1::QUARANTINE, kAlcohol), 5);
}

TEST_F(PostMovementTest, AnswersARepetitionByteForByte) {
  v1::PostMovementRequest request = WithPaper(AReceipt(7), "A-1");
  request.set_note("一次");
  const auto first = Post(request);
  ASSERT_TRUE(first.ok()) << first.status();

  const auto second = Post(request);
  const std::string reversal = Reverse(AReversal(first->name()))->name();
  const auto third = Post(request);

  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->SerializeAsString(), first->SerializeAsString());
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_EQ(third->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(GetMovement(first->name())->reversed_by(), reversal);
  EXPECT_EQ(Count("movements"), 2);
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 0);
}

// Goal: any difference in content is told apart, however small.
TEST_F(PostMovementTest, RefusesARequestIdWithAnotherContent) {
  v1::PostMovementRequest first = WithPaper(AReceipt(70), "A-1");
  first.mutable_occurred_time()->set_seconds(1'579'996'800);
  MustPost(first);
  struct {
    const char* name;
    std::function<void(v1::PostMovementRequest&)> change;
  } const kChanges[] = {
      {"one digit", [](auto& r) { r.mutable_lines(0)->mutable_quantity()->set_amount(71); }},
      {"the same amount in words",
       [](auto& r) { r.mutable_lines(0)->mutable_quantity()->set_unit("piece"); }},
      {"another lot", [](auto& r) { r.mutable_lines(0)->set_lot(kOtherMasks); }},
      {"another source",
       [](auto& r) { r.mutable_lines(0)->mutable_source()->set_state(v1::DONOR); }},
      {"a line more", [](auto& r) { *r.add_lines() = r.lines(0); }},
      {"a microsecond", [](auto& r) { r.mutable_occurred_time()->set_nanos(1000); }},
      {"no time", [](auto& r) { r.clear_occurred_time(); }},
      {"another line of the paper", [](auto& r) { r.mutable_source_document()->set_line(1); }},
      {"no paper", [](auto& r) { r.clear_source_document(); }},
      {"a note", [](auto& r) { r.set_note("n"); }},
  };
  for (const auto& row : kChanges) {
    v1::PostMovementRequest changed = first;
    row.change(changed);

    const auto answer = Post(changed);

    EXPECT_EQ(Outcome(answer), "ALREADY_EXISTS REQUEST_ID_REUSED") << row.name;
    EXPECT_EQ(Metadata(answer, "request_id"), first.request_id()) << row.name;
  }
  EXPECT_EQ(Count("movements"), 1);
}

TEST_F(PostMovementTest, KeepsRequestIdsOfCallersApart) {
  const v1::PostMovementRequest request = AReceipt(5);

  const std::string one = MustPost(request, kClerk);
  const std::string two = MustPost(request, kEast);

  EXPECT_NE(one, two);
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 10);
}

TEST_F(PostMovementTest, ARefusalLeavesItsRequestIdFree) {
  const v1::PostMovementRequest request = AConsumption(5);
  ASSERT_EQ(Outcome(Post(request)), "FAILED_PRECONDITION INSUFFICIENT_STOCK");
  MustPost(AReceipt(5));

  EXPECT_EQ(Outcome(Post(request)), "OK");
}

TEST_F(PostMovementTest, ARepetitionNeedsThePermissionStill) {
  const v1::PostMovementRequest request = AReceipt(5);
  MustPost(request, kEast);
  server_->authenticator().Revoke(kEast);
  server_->authenticator().Grant(kEast, "units/west", {"ledger.post"});

  EXPECT_EQ(Outcome(Post(request, kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
}

TEST_F(PostMovementTest, TellsAllAboutAShortage) {
  MustPost(AReceipt(10));

  const auto answer =
      Post(APosting(v1::CONSUME, {ALine(kMasks, kDepot, v1::AVAILABLE, v1::CONSUMED, 4),
                                  ALine(kMasks, kDepot, v1::AVAILABLE, v1::CONSUMED, 7)}));

  ASSERT_EQ(Outcome(answer), "FAILED_PRECONDITION INSUFFICIENT_STOCK");
  EXPECT_EQ(Metadata(answer, "line"), "2");
  EXPECT_EQ(Metadata(answer, "item"), "items/mask");
  EXPECT_EQ(Metadata(answer, "lot"), kMasks);
  EXPECT_EQ(Metadata(answer, "location"), kDepot);
  EXPECT_EQ(Metadata(answer, "wanted"), "7");
  EXPECT_EQ(Metadata(answer, "available"), "6");
  EXPECT_EQ(Metadata(answer, "reserved"), "0");
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 10);
}

// Goal: what is refused for a foreign unit reads the same whether or not anything is there.
TEST_F(PostMovementTest, TellsNothingOfOtherUnits) {
  MustPost(AReceipt(5, kRoom));
  const auto refusal = [&](const std::string& location, const std::string& lot) {
    return Post(AConsumption(1, location, lot), kEast).status();
  };
  const absl::Status there = refusal(kRoom, kMasks);
  ASSERT_EQ(status::GetReason(there), "PERMISSION_DENIED");

  EXPECT_EQ(refusal("units/west/locations/ghost", kMasks), there);
  EXPECT_EQ(refusal(kRoom, "items/ghost/lots/ghost"), there);
  EXPECT_EQ(refusal("units/west/locations/ghost", "items/mask/lots/ghost"), there);
}

TEST_F(PostMovementTest, NeedsEveryLocation) {
  const auto answer =
      Post(APosting(v1::RECEIVE, {ALine(kMasks, kDepot, v1::SUPPLIER, v1::AVAILABLE, 1),
                                  ALine(kMasks, kRoom, v1::SUPPLIER, v1::AVAILABLE, 1)}),
           kEast);

  EXPECT_EQ(Outcome(answer), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Metadata(answer, "resource"), "units/west");
  EXPECT_EQ(Count("movements"), 0);
}

TEST_F(PostMovementTest, SomeReasonsNeedAPermissionOfTheirOwn) {
  MustPost(AReceipt(10));
  struct {
    v1::MovementReason reason;
    v1::AccountState from;
    v1::AccountState to;
    const char* permission;
  } const kRows[] = {
      {v1::WRITE_OFF, v1::AVAILABLE, v1::LOST, "ledger.dispose"},
      {v1::FIND, v1::FOUND, v1::AVAILABLE, "ledger.correct"},
      {v1::OPEN_BOOKS, v1::OPENING, v1::AVAILABLE, "ledger.open"},
  };
  for (const auto& row : kRows) {
    const v1::PostMovementRequest request =
        APosting(row.reason, {ALine(kMasks, kDepot, row.from, row.to, 1)});

    const auto refused = Post(request, kEast);

    EXPECT_EQ(Outcome(refused), "PERMISSION_DENIED PERMISSION_DENIED") << row.permission;
    EXPECT_EQ(Metadata(refused, "permission"), row.permission);
    EXPECT_EQ(Outcome(Post(request, kClerk)), "OK") << row.permission;
  }
}

TEST_F(PostMovementTest, ReasonsOfDocumentsAndReversalsAreNotPostedByHand) {
  MustPost(AReceipt(10));
  for (const v1::MovementReason reason : {v1::DISPATCH, v1::ARRIVE, v1::REVERSE}) {
    EXPECT_THAT(ViolatedFields(Post(
                    APosting(reason, {ALine(kMasks, kDepot, v1::AVAILABLE, v1::IN_TRANSIT, 1)}))),
                ElementsAre("reason"))
        << v1::MovementReason_Name(reason);
  }
}

TEST_F(PostMovementTest, GoodsChangePlacesInsideOneUnitAlone) {
  MustPost(AReceipt(10));
  const auto move = [&](v1::MovementReason reason, const std::string& to) {
    return Post(APosting(reason, {ALine(kMasks, kDepot, v1::AVAILABLE, v1::AVAILABLE, 4, to)}));
  };

  EXPECT_THAT(ViolatedFields(move(v1::RELOCATE, kRoom)),
              ElementsAre("lines[0].destination.location"));
  EXPECT_THAT(ViolatedFields(move(v1::RELOCATE, kDepot)), ElementsAre("lines[0].destination"));
  EXPECT_THAT(ViolatedFields(move(v1::HOLD, kShelf)), ElementsAre("lines[0].destination.location"));
  EXPECT_EQ(Outcome(move(v1::RELOCATE, kShelf)), "OK");
  EXPECT_EQ(Holds(kShelf, v1::AVAILABLE), 4);
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 6);
}

// Goal: one paper enters the books once, whoever brings it, and again once it was taken back.
TEST_F(PostMovementTest, APaperEntersOnceWhoeverBringsIt) {
  const std::string first = MustPost(WithPaper(AReceipt(5), "A-1"), kClerk);

  const auto again = Post(WithPaper(AReceipt(5), "A-1"), kEast);
  EXPECT_EQ(Outcome(again), "ALREADY_EXISTS SOURCE_DOCUMENT_POSTED");
  EXPECT_EQ(Metadata(again, "movement"), first);
  // Another unit learns that the paper is taken, and not by what.
  ASSERT_EQ(Outcome(CreateLot(ACreateLot("items/mask", "west-1", "units/west"), kWest)), "OK");
  const auto foreign = Post(WithPaper(AReceipt(5, kRoom, "items/mask/lots/west-1"), "A-1"), kWest);
  EXPECT_EQ(Outcome(foreign), "ALREADY_EXISTS SOURCE_DOCUMENT_POSTED");
  EXPECT_EQ(Metadata(foreign, "movement"), "(none)");
  EXPECT_THAT(std::string(foreign.status().message()), Not(HasSubstr("movements/")));
  EXPECT_EQ(Outcome(Post(WithPaper(AReceipt(5), "A-2"), kEast)), "OK");
  ASSERT_EQ(Outcome(Reverse(AReversal(first))), "OK");
  const auto after = Post(WithPaper(AReceipt(6), "A-1"), kEast);

  ASSERT_EQ(Outcome(after), "OK");
  EXPECT_EQ(after->source_document().number(), "A-1");
  EXPECT_EQ(GetMovement(first)->source_document().number(), "A-1");
  EXPECT_EQ(Metadata(Post(WithPaper(AReceipt(5), "A-1")), "movement"), after->name());
}

// Goal: of two callers who bring the same paper at once, one posts it.
TEST_F(PostMovementTest, APaperBroughtTwiceAtOnceEntersOnce) {
  for (int round = 0; round < 8; ++round) {
    // Different places, so that they share no balance to wait for.
    const auto one = WithPaper(AReceipt(1, kDepot), absl::StrCat("R-", round));
    const auto two = WithPaper(AReceipt(1, kShelf), absl::StrCat("R-", round));
    std::string outcomes[2];
    std::thread first([&] { outcomes[0] = Outcome(Post(one, kClerk)); });
    std::thread second([&] { outcomes[1] = Outcome(Post(two, kEast)); });
    first.join();
    second.join();

    EXPECT_THAT(outcomes, UnorderedElementsAre("OK", "ALREADY_EXISTS SOURCE_DOCUMENT_POSTED"));
  }
  EXPECT_EQ(Count("movements"), 8);
}

// Goal: the last units go to exactly one of two callers.
TEST_F(PostMovementTest, TheLastUnitsGoToExactlyOneCaller) {
  for (int round = 0; round < 16; ++round) {
    MustPost(AReceipt(5));
    const v1::PostMovementRequest takes[] = {AConsumption(5), AConsumption(5)};
    std::string outcomes[2];
    std::thread first([&] { outcomes[0] = Outcome(Post(takes[0], kClerk)); });
    std::thread second([&] { outcomes[1] = Outcome(Post(takes[1], kEast)); });
    first.join();
    second.join();

    EXPECT_THAT(outcomes, UnorderedElementsAre("OK", "FAILED_PRECONDITION INSUFFICIENT_STOCK"));
  }
}

// Goal: a repetition that runs beside its original gets the original's answer, though the original
// took the last pieces.
TEST_F(PostMovementTest, TwinsAtOnceAreOneMovement) {
  for (int round = 0; round < 8; ++round) {
    MustPost(AReceipt(5));
    const v1::PostMovementRequest request = AConsumption(5);
    std::vector<std::string> answers(4);
    std::vector<std::thread> threads;
    for (std::string& answer : answers) {
      threads.emplace_back([&] {
        const auto posted = Post(request);
        answer = posted.ok() ? posted->SerializeAsString() : Outcome(posted);
      });
    }
    for (std::thread& thread : threads) thread.join();

    EXPECT_THAT(answers, ::testing::Each(answers.front()));
    EXPECT_THAT(answers.front(), HasSubstr("movements/"));
  }
  EXPECT_EQ(Count("movements"), 16);
}

// One request does one thing: what wrote a document posts nothing, and the other way round.
TEST_F(PostMovementTest, UsesNoRequestOfADocumentAndLeavesItsOwnToNone) {
  const v1::CreateLotRequest lot = ACreateLot("items/mask", "m9");
  ASSERT_EQ(Outcome(CreateLot(lot)), "OK");
  const v1::PostMovementRequest posted = AReceipt(1);
  const std::string movement = MustPost(posted);

  v1::PostMovementRequest posting = AReceipt(1);
  posting.set_request_id(lot.request_id());
  v1::ReverseMovementRequest reversal = AReversal(movement);
  reversal.set_request_id(lot.request_id());
  v1::CreateLotRequest other = ACreateLot("items/mask", "m10");
  other.set_request_id(posted.request_id());

  EXPECT_EQ(Outcome(Post(posting)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  EXPECT_EQ(Outcome(Reverse(reversal)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  EXPECT_EQ(Outcome(CreateLot(other)), "ALREADY_EXISTS REQUEST_ID_REUSED");
}

}  // namespace
}  // namespace quartermaster::testing
