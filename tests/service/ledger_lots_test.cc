// Ledger.CreateLot, GetLot and ListLots.

#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Lots of two units.
class LotsTest : public LedgerTest {
 protected:
  absl::StatusOr<v1::Lot> GetLot(const std::string& name, const std::string& caller = kClerk) {
    v1::GetLotRequest request;
    request.set_name(name);
    return server_->Call(&LedgerStub::GetLot, request, caller);
  }
  absl::StatusOr<v1::ListLotsResponse> ListLots(const v1::ListLotsRequest& request,
                                                const std::string& caller = kClerk) {
    return server_->Call(&LedgerStub::ListLots, request, caller);
  }
  // Returns the last parts of the names of all lots, page by page.
  std::vector<std::string> ListAll(const std::string& item, const std::string& caller,
                                   int page_size = 100) {
    std::vector<std::string> names;
    v1::ListLotsRequest request;
    request.set_parent(item);
    request.set_page_size(page_size);
    do {
      const auto page = ListLots(request, caller);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_LE(page->lots_size(), page_size);
      for (const v1::Lot& lot : page->lots()) {
        names.push_back(lot.name().substr(lot.name().rfind('/') + 1));
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return names;
  }
};

TEST_F(LotsTest, CreateFailsInTheDocumentedOrder) {
  const v1::CreateLotRequest earlier = ACreateLot("items/mask", "earlier");
  ASSERT_EQ(Outcome(CreateLot(earlier)), "OK");
  ASSERT_EQ(Outcome(CreateLot(ACreateLot("items/vaccine", "v1", "units/west", "2027-01-31"))),
            "OK");
  v1::CreateLotRequest request;
  request.mutable_lot()->set_expiry_date("31/01/2027");
  request.mutable_lot()->set_origin_reference(std::string(121, 'x'));

  EXPECT_EQ(Outcome(CreateLot(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(CreateLot(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(CreateLot(request, kEast)),
              UnorderedElementsAre("parent", "lot_id", "lot.origin", "lot.origin_reference",
                                   "lot.owner", "lot.expiry_date", "request_id"));
  request = ACreateLot("items/ghost", "v1", "units/ghost");
  request.set_request_id(earlier.request_id());
  EXPECT_EQ(Outcome(CreateLot(request, kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(CreateLot(request)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.set_request_id(NewRequestId());
  EXPECT_EQ(Outcome(CreateLot(request)), "NOT_FOUND ITEM_NOT_FOUND");
  request.set_parent("items/vaccine");
  EXPECT_EQ(Outcome(CreateLot(request)), "NOT_FOUND UNIT_NOT_FOUND");
  request.mutable_lot()->set_owner("units/west");
  EXPECT_EQ(Outcome(CreateLot(request)), "FAILED_PRECONDITION EXPIRY_REQUIRED");
  request.mutable_lot()->set_expiry_date("2027-02-28");
  EXPECT_EQ(Outcome(CreateLot(request)), "ALREADY_EXISTS LOT_EXISTS");
  request.set_lot_id("v2");
  EXPECT_EQ(Outcome(CreateLot(request)), "OK");
}

TEST_F(LotsTest, CreateAnswersWithTheLotAndARepetitionByteForByte) {
  v1::CreateLotRequest request =
      ACreateLot("items/vaccine", "station-v1", "units/station", "2027-01-31");
  request.mutable_lot()->set_name("items/other/lots/other");
  request.mutable_lot()->set_origin(v1::Lot::DONOR);
  request.mutable_lot()->set_origin_reference("捐赠 17 号");

  const auto first = CreateLot(request, kEast);

  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->name(), "items/vaccine/lots/station-v1");
  EXPECT_EQ(first->origin(), v1::Lot::DONOR);
  EXPECT_EQ(first->origin_reference(), "捐赠 17 号");
  EXPECT_EQ(first->owner(), "units/station");
  EXPECT_EQ(first->expiry_date(), "2027-01-31");
  EXPECT_GT(first->create_time().seconds(), 0);
  EXPECT_EQ(CreateLot(request, kEast)->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(GetLot("items/vaccine/lots/station-v1")->SerializeAsString(),
            first->SerializeAsString());
  request.mutable_lot()->set_expiry_date("2027-01-30");
  EXPECT_EQ(Outcome(CreateLot(request, kEast)), "ALREADY_EXISTS REQUEST_ID_REUSED");
}

TEST_F(LotsTest, CreateRefusesDaysThatAreNone) {
  for (const char* day : {"2027-02-29", "2027-13-01", "2027-1-1", "1899-12-31", "9999-01-01",
                          "2027-01-01T00:00:00Z", " 2027-01-1", "二〇二七年"}) {
    EXPECT_THAT(ViolatedFields(CreateLot(ACreateLot("items/mask", "x", "units/east", day))),
                ElementsAre("lot.expiry_date"))
        << day;
  }
  EXPECT_EQ(Outcome(CreateLot(ACreateLot("items/mask", "x", "units/east", "2028-02-29"))), "OK");
}

TEST_F(LotsTest, OneOfTwoCallersCreatesALot) {
  for (int round = 0; round < 8; ++round) {
    const std::string id = absl::StrCat("east-r", round);
    const v1::CreateLotRequest requests[] = {ACreateLot("items/mask", id),
                                             ACreateLot("items/mask", id)};
    std::string outcomes[2];
    std::thread first([&] { outcomes[0] = Outcome(CreateLot(requests[0], kClerk)); });
    std::thread second([&] { outcomes[1] = Outcome(CreateLot(requests[1], kEast)); });
    first.join();
    second.join();

    EXPECT_THAT(outcomes, UnorderedElementsAre("OK", "ALREADY_EXISTS LOT_EXISTS"));
  }
}

TEST_F(LotsTest, GetFailsInTheDocumentedOrder) {
  ASSERT_EQ(Outcome(CreateLot(ACreateLot("items/mask", "w1", "units/west"))), "OK");

  EXPECT_EQ(Outcome(GetLot("", "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(GetLot("", kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  for (const char* name : {"", "items/mask", "items/mask/lots/", "items/Mask/lots/w1"}) {
    EXPECT_THAT(ViolatedFields(GetLot(name, kEast)), ElementsAre("name")) << name;
  }
  EXPECT_EQ(Outcome(GetLot("items/mask/lots/ghost", kEast)), "NOT_FOUND LOT_NOT_FOUND");
  EXPECT_EQ(Outcome(GetLot("items/ghost/lots/ghost", kEast)), "NOT_FOUND LOT_NOT_FOUND");
  EXPECT_EQ(Outcome(GetLot("items/mask/lots/w1", kWest)), "OK");
}

// Goal: a lot is seen by its owner and by who holds some of it or held some, and for others it is
// not there.
TEST_F(LotsTest, IsSeenByOwnerAndHolderAlone) {
  const std::string lot = "items/mask/lots/w1";
  ASSERT_EQ(Outcome(CreateLot(ACreateLot("items/mask", "w1", "units/west"))), "OK");
  const absl::Status foreign = GetLot(lot, kEast).status();
  EXPECT_EQ(status::GetReason(foreign), "LOT_NOT_FOUND");
  EXPECT_EQ(std::string(foreign.message()),
            "there is no items/mask/lots/w1; create the lot before goods of it move");
  EXPECT_THAT(ListAll("items/mask", kEast), ElementsAre("m1", "m2"));
  EXPECT_THAT(ListAll("items/mask", kWest), ElementsAre("w1"));

  // A refusal brings nothing into sight, whatever rows it left behind.
  EXPECT_EQ(Outcome(Post(AConsumption(5, kDepot, lot))), "FAILED_PRECONDITION INSUFFICIENT_STOCK");
  ASSERT_GT(Count("balances"), 0);
  EXPECT_EQ(Outcome(GetLot(lot, kEast)), "NOT_FOUND LOT_NOT_FOUND");
  EXPECT_THAT(ListAll("items/mask", kEast), ElementsAre("m1", "m2"));

  MustPost(AReceipt(5, kDepot, lot));

  EXPECT_EQ(Outcome(GetLot(lot, kEast)), "OK");
  EXPECT_THAT(ListAll("items/mask", kEast), ElementsAre("m1", "m2", "w1"));
  MustPost(AConsumption(5, kDepot, lot));
  EXPECT_EQ(Outcome(GetLot(lot, kEast)), "OK");
  EXPECT_THAT(ListAll("items/mask", kEast), ElementsAre("m1", "m2", "w1"));
}

// Goal: by posting, nobody learns whether others have a lot, or brings it into their own view.
// Method: everything else about the postings is right, so that they would pass.
TEST_F(LotsTest, AForeignLotCannotBePostedAndIsAsOneThatIsNotThere) {
  const std::string foreign = "items/mask/lots/w1";
  ASSERT_EQ(Outcome(CreateLot(ACreateLot("items/mask", "w1", "units/west"))), "OK");
  const auto refusal = [&](const v1::PostMovementRequest& request) {
    return Post(request, kEast).status();
  };

  const absl::Status of_foreign = refusal(AReceipt(5, kDepot, foreign));
  const absl::Status of_none = refusal(AReceipt(5, kDepot, "items/mask/lots/w2"));

  EXPECT_EQ(status::GetReason(of_foreign), "LOT_NOT_FOUND");
  EXPECT_EQ(std::string(of_foreign.message()),
            "there is no items/mask/lots/w1; create the lot before goods of it move");
  EXPECT_EQ(std::string(of_none.message()),
            "there is no items/mask/lots/w2; create the lot before goods of it move");
  EXPECT_EQ(status::GetReason(refusal(AConsumption(5, kDepot, foreign))), "LOT_NOT_FOUND");
  // Of two, the first in the request is named, whichever is there.
  EXPECT_THAT(
      std::string(
          refusal(APosting(v1::RECEIVE,
                           {ALine(foreign, kDepot, v1::SUPPLIER, v1::AVAILABLE, 1),
                            ALine("items/mask/lots/w2", kDepot, v1::SUPPLIER, v1::AVAILABLE, 1)}))
              .message()),
      ::testing::HasSubstr("w1"));
  EXPECT_EQ(Outcome(GetLot(foreign, kEast)), "NOT_FOUND LOT_NOT_FOUND");
  EXPECT_EQ(Count("balances"), 0);

  // Whoever covers both brings it; then it is theirs to use, and to find again when it ran out.
  MustPost(AReceipt(5, kDepot, foreign));
  MustPost(AConsumption(5, kDepot, foreign), kEast);
  EXPECT_EQ(Outcome(Post(AReceipt(1, kDepot, foreign), kEast)), "OK");
}

// Goal: choosing an id tells nobody which lots others have.
TEST_F(LotsTest, WhoCoversAPartGivesIdsOfThatPartAlone) {
  ASSERT_EQ(Outcome(CreateLot(ACreateLot("items/mask", "w1", "units/west"))), "OK");

  const auto taken = CreateLot(ACreateLot("items/mask", "w1"), kEast);
  const auto is_free = CreateLot(ACreateLot("items/mask", "w2"), kEast);

  EXPECT_EQ(Outcome(taken), "PERMISSION_DENIED ID_OUT_OF_SCOPE");
  EXPECT_EQ(Outcome(is_free), "PERMISSION_DENIED ID_OUT_OF_SCOPE");
  EXPECT_EQ(Metadata(taken, "prefix"), "east-");
  EXPECT_EQ(Metadata(taken, "id"), "w1");
  EXPECT_EQ(Outcome(CreateLot(ACreateLot("items/mask", "east-w1"), kEast)), "OK");
  EXPECT_EQ(Outcome(CreateLot(ACreateLot("items/mask", "east-w1"), kEast)),
            "ALREADY_EXISTS LOT_EXISTS");
}

TEST_F(LotsTest, ListFailsInTheDocumentedOrder) {
  v1::ListLotsRequest request;
  request.set_page_size(-1);
  request.set_page_token("x");

  EXPECT_EQ(Outcome(ListLots(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(ListLots(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(ListLots(request, kEast)),
              UnorderedElementsAre("parent", "page_size", "page_token"));
  request = {};
  request.set_parent("items/ghost");
  EXPECT_EQ(Outcome(ListLots(request, kEast)), "NOT_FOUND ITEM_NOT_FOUND");
  request.set_parent("items/vaccine");
  EXPECT_EQ(Outcome(ListLots(request, kEast)), "OK");
  EXPECT_THAT(ListAll("items/vaccine", kEast), IsEmpty());
}

TEST_F(LotsTest, ListsFirstToExpireFirstAndThoseWithoutLast) {
  for (const auto& [id, day] : std::vector<std::pair<std::string, std::string>>{
           {"d", "2027-01-31"}, {"b", "2027-01-31"}, {"c", "2026-12-31"}, {"a", ""}, {"z", ""}}) {
    ASSERT_EQ(Outcome(CreateLot(ACreateLot("items/mask", id, "units/east", day))), "OK");
  }
  const std::vector<std::string> expected = {"c", "b", "d", "a", "m1", "m2", "z"};

  for (const int page_size : {1, 2, 3, 7, 8, 100}) {
    EXPECT_EQ(ListAll("items/mask", kEast, page_size), expected) << page_size;
  }
}

TEST_F(LotsTest, ATokenIsForItsOwnList) {
  v1::ListLotsRequest request;
  request.set_parent("items/mask");
  request.set_page_size(1);
  const std::string token = ListLots(request)->next_page_token();
  ASSERT_NE(token, "");
  request.set_page_token(token);
  request.set_page_size(5);
  EXPECT_EQ(Outcome(ListLots(request)), "OK");

  request.set_parent("items/alcohol");

  EXPECT_THAT(ViolatedFields(ListLots(request)), ElementsAre("page_token"));
}

TEST_F(LotsTest, ATokenThatNobodyMadeIsRefused) {
  v1::ListLotsRequest request;
  request.set_parent("items/mask");
  for (const char* position : {"2022-01-31/\xFF", "soon/m1", "/M1", "2022-01-31/"}) {
    request.set_page_token(MakeToken(request, position));
    EXPECT_THAT(ViolatedFields(ListLots(request)), ElementsAre("page_token")) << position;
  }
}

}  // namespace
}  // namespace quartermaster::testing
