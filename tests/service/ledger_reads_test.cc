// Ledger.ListMovements and Ledger.ListBalances.

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Property;
using ::testing::UnorderedElementsAre;

class ListMovementsTest : public LedgerTest {
 protected:
  absl::StatusOr<v1::ListMovementsResponse> List(const v1::ListMovementsRequest& request,
                                                 const std::string& caller = kClerk) {
    return server_->Call(&LedgerStub::ListMovements, request, caller);
  }
  // Returns the names of all movements of a unit, page by page.
  std::vector<std::string> ListAll(const std::string& unit, int page_size = 100,
                                   const std::string& item = "") {
    std::vector<std::string> names;
    v1::ListMovementsRequest request;
    request.set_unit(unit);
    request.set_item(item);
    request.set_page_size(page_size);
    do {
      const auto page = List(request);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_LE(page->movements_size(), page_size);
      for (const v1::Movement& movement : page->movements()) names.push_back(movement.name());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return names;
  }
};

class ListBalancesTest : public LedgerTest {
 protected:
  absl::StatusOr<v1::ListBalancesResponse> List(const v1::ListBalancesRequest& request,
                                                const std::string& caller = kClerk) {
    return server_->Call(&LedgerStub::ListBalances, request, caller);
  }
  // Returns `lot location STATE quantity unit` of each balance.
  std::vector<std::string> Lines(v1::ListBalancesRequest request, int page_size = 100) {
    std::vector<std::string> lines;
    request.set_page_size(page_size);
    do {
      const auto page = List(request);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_LE(page->balances_size(), page_size);
      for (const v1::Balance& balance : page->balances()) {
        lines.push_back(absl::StrCat(balance.lot(), " ", balance.account().location(), " ",
                                     v1::AccountState_Name(balance.account().state()), " ",
                                     balance.base_quantity(), " ", balance.base_unit()));
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return lines;
  }
  static v1::ListBalancesRequest Of(const std::string& unit) {
    v1::ListBalancesRequest request;
    request.set_unit(unit);
    return request;
  }
};

TEST_F(ListMovementsTest, FailsInTheDocumentedOrder) {
  v1::ListMovementsRequest request;
  request.set_item("mask");
  request.set_page_size(-1);
  request.set_page_token("x");

  EXPECT_EQ(Outcome(List(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(List(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(List(request, kEast)),
              UnorderedElementsAre("unit", "item", "page_size", "page_token"));
  request = {};
  request.set_unit("units/west");
  const absl::Status there = List(request, kEast).status();
  EXPECT_EQ(status::GetReason(there), "PERMISSION_DENIED");
  request.set_unit("units/ghost");
  const absl::Status not_there = List(request, kEast).status();
  EXPECT_EQ(std::string(not_there.message()),
            "you need the permission ledger.read for units/ghost, which none of your grants gives");
  EXPECT_EQ(std::string(there.message()),
            "you need the permission ledger.read for units/west, which none of your grants gives");
  request.set_unit("units/station");
  EXPECT_EQ(Outcome(List(request, kEast)), "OK");
}

TEST_F(ListMovementsTest, ListsNewestFirstWhateverThePageSize) {
  std::vector<std::string> newest_first;
  for (int i = 1; i <= 7; ++i) {
    newest_first.insert(newest_first.begin(), MustPost(AReceipt(i, i % 2 == 0 ? kDepot : kShelf)));
  }
  newest_first.insert(newest_first.begin(), Reverse(AReversal(newest_first[3]))->name());

  for (const int page_size : {1, 2, 3, 7, 8, 9, 1000}) {
    EXPECT_EQ(ListAll("units/city", page_size), newest_first) << page_size;
  }
  const auto listed = [&] {
    v1::ListMovementsRequest request;
    request.set_unit("units/city");
    return *List(request);
  }();
  for (const v1::Movement& movement : listed.movements()) {
    EXPECT_EQ(movement.SerializeAsString(), GetMovement(movement.name())->SerializeAsString());
  }
}

// Goal: the order is that in which the books took them, whoever had to wait for a balance.
TEST_F(ListMovementsTest, FollowsRecordTimesUnderConcurrency) {
  std::vector<v1::PostMovementRequest> requests;
  for (int i = 0; i < 48; ++i) requests.push_back(AReceipt(1));
  std::vector<std::thread> callers;
  for (int i = 0; i < 6; ++i) {
    callers.emplace_back([&, i] {
      for (int k = 0; k < 8; ++k) MustPost(requests[i * 8 + k]);
    });
  }
  for (std::thread& caller : callers) caller.join();

  v1::ListMovementsRequest request;
  request.set_unit("units/city");
  const auto listed = List(request);

  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_EQ(listed->movements_size(), 48);
  for (int i = 1; i < listed->movements_size(); ++i) {
    const auto& newer = listed->movements(i - 1).record_time();
    const auto& older = listed->movements(i).record_time();
    EXPECT_GT(std::make_pair(newer.seconds(), newer.nanos()),
              std::make_pair(older.seconds(), older.nanos()))
        << i;
  }
}

// Goal: a page stays what it was when new movements arrive before the next is asked for.
TEST_F(ListMovementsTest, PagesGoOnWhereTheyWere) {
  const std::string one = MustPost(AReceipt(1));
  const std::string two = MustPost(AReceipt(2));
  const std::string three = MustPost(AReceipt(3));
  v1::ListMovementsRequest request;
  request.set_unit("units/east");
  request.set_page_size(2);
  const auto first = List(request);
  ASSERT_EQ(first->movements_size(), 2);
  MustPost(AReceipt(4));

  request.set_page_token(first->next_page_token());
  const auto second = List(request);

  EXPECT_EQ(first->movements(0).name(), three);
  EXPECT_EQ(first->movements(1).name(), two);
  ASSERT_EQ(second->movements_size(), 1);
  EXPECT_EQ(second->movements(0).name(), one);
  EXPECT_EQ(second->next_page_token(), "");
}

TEST_F(ListMovementsTest, CoversAUnitAndThoseBeneathAndAnItem) {
  MakeLocation("units/station", "post");
  const std::string masks = MustPost(AReceipt(1));
  const std::string alcohol = MustPost(AReceipt(2, kCabinet, kAlcohol));
  const std::string station = MustPost(AReceipt(3, "units/station/locations/post"));
  const std::string west = MustPost(AReceipt(4, kRoom));
  const std::string both =
      MustPost(APosting(v1::RECEIVE, {ALine(kMasks, kDepot, v1::SUPPLIER, v1::AVAILABLE, 1),
                                      ALine(kAlcohol, kCabinet, v1::DONOR, v1::AVAILABLE, 1),
                                      ALine(kMasks, kRoom, v1::SUPPLIER, v1::AVAILABLE, 1)}));

  EXPECT_THAT(ListAll("units/city"), ElementsAre(both, west, station, alcohol, masks));
  EXPECT_THAT(ListAll("units/east"), ElementsAre(both, station, alcohol, masks));
  EXPECT_THAT(ListAll("units/station"), ElementsAre(station));
  EXPECT_THAT(ListAll("units/west"), ElementsAre(both, west));
  EXPECT_THAT(ListAll("units/city", 1, "items/alcohol"), ElementsAre(both, alcohol));
  EXPECT_THAT(ListAll("units/west", 1, "items/alcohol"), IsEmpty());
  EXPECT_THAT(ListAll("units/city", 100, "items/vaccine"), IsEmpty());
}

// Goal: of a movement of several units each unit sees its own lines, and how many it does not see.
TEST_F(ListMovementsTest, ShowsEachReaderTheLinesOfTheirUnitsAlone) {
  v1::PostMovementRequest request =
      WithPaper(APosting(v1::RECEIVE, {ALine(kMasks, kRoom, v1::SUPPLIER, v1::AVAILABLE, 7),
                                       ALine(kMasks, kDepot, v1::SUPPLIER, v1::AVAILABLE, 5),
                                       ALine(kAlcohol, kCabinet, v1::DONOR, v1::AVAILABLE, 1)}),
                "A-1");
  request.set_note("三处同批到货");
  const std::string name = MustPost(request);
  const auto listed = [&](const std::string& unit, const std::string& caller) {
    v1::ListMovementsRequest list;
    list.set_unit(unit);
    return List(list, caller).value_or(v1::ListMovementsResponse());
  };

  const auto east = GetMovement(name, kEast);
  const auto west = GetMovement(name, kWest);
  const auto whole = GetMovement(name, kClerk);

  ASSERT_TRUE(east.ok()) << east.status();
  ASSERT_EQ(east->lines_size(), 2);
  EXPECT_EQ(east->lines(0).source().location(), kDepot);
  EXPECT_EQ(east->lines(0).line(), 2);
  EXPECT_EQ(east->lines(1).line(), 3);
  EXPECT_EQ(east->withheld_line_count(), 1);
  EXPECT_EQ(east->note(), "");
  EXPECT_FALSE(east->has_source_document());
  EXPECT_THAT(east->DebugString(), Not(HasSubstr("west")));
  ASSERT_TRUE(west.ok()) << west.status();
  ASSERT_EQ(west->lines_size(), 1);
  EXPECT_EQ(west->lines(0).base_quantity(), 7);
  EXPECT_EQ(west->withheld_line_count(), 2);
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->lines_size(), 3);
  EXPECT_EQ(whole->withheld_line_count(), 0);
  EXPECT_EQ(whole->note(), "三处同批到货");
  EXPECT_EQ(whole->source_document().number(), "A-1");
  EXPECT_THAT(listed("units/east", kEast).movements(),
              ElementsAre(Property(&v1::Movement::SerializeAsString, east->SerializeAsString())));
  // Who covers more than the unit asked for sees as much as they would elsewhere.
  EXPECT_THAT(listed("units/east", kClerk).movements(),
              ElementsAre(Property(&v1::Movement::SerializeAsString, whole->SerializeAsString())));
}

TEST_F(ListMovementsTest, ATokenIsForItsOwnList) {
  MustPost(AReceipt(1));
  MustPost(AReceipt(2));
  v1::ListMovementsRequest request;
  request.set_unit("units/east");
  request.set_page_size(1);
  request.set_page_token(List(request)->next_page_token());
  ASSERT_NE(request.page_token(), "");
  request.set_page_size(50);
  ASSERT_EQ(Outcome(List(request)), "OK");

  v1::ListMovementsRequest changed = request;
  changed.set_unit("units/city");
  EXPECT_THAT(ViolatedFields(List(changed)), ElementsAre("page_token"));
  changed = request;
  changed.set_item("items/mask");
  EXPECT_THAT(ViolatedFields(List(changed)), ElementsAre("page_token"));
  changed = request;
  changed.mutable_page_token()->back() ^= 1;
  EXPECT_THAT(ViolatedFields(List(changed)), ElementsAre("page_token"));
  changed = request;
  changed.mutable_page_token()->pop_back();
  EXPECT_THAT(ViolatedFields(List(changed)), ElementsAre("page_token"));
  // A token is no permission.
  EXPECT_EQ(Outcome(List(request, kWest)), "PERMISSION_DENIED PERMISSION_DENIED");
}

TEST_F(ListMovementsTest, CoercesAPageThatIsTooLarge) {
  v1::ListMovementsRequest request;
  request.set_unit("units/east");
  request.set_page_size(INT32_MAX);

  EXPECT_EQ(Outcome(List(request)), "OK");
}

// Goal: a page of the largest movements fits into one message, and the next goes on after it.
TEST_F(ListMovementsTest, EndsAPageEarlyWhenItHasVeryManyLines) {
  const v1::MovementLine line = ALine(kMasks, kDepot, v1::SUPPLIER, v1::AVAILABLE, 1);
  std::vector<std::string> newest_first;
  for (int i = 0; i < 11; ++i) {
    newest_first.insert(newest_first.begin(),
                        MustPost(APosting(v1::RECEIVE, std::vector<v1::MovementLine>(500, line))));
  }
  v1::ListMovementsRequest request;
  request.set_unit("units/east");
  request.set_page_size(1000);

  const auto first = List(request);

  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->movements_size(), 10);
  EXPECT_LT(first->ByteSizeLong(), 4 << 20);
  EXPECT_EQ(ListAll("units/east", 1000), newest_first);
}

TEST_F(ListBalancesTest, FailsInTheDocumentedOrder) {
  v1::ListBalancesRequest request;
  request.set_item("mask");
  request.set_lot("m1");
  request.set_state(static_cast<v1::AccountState>(99));
  request.set_page_size(-1);
  request.set_page_token("x");

  EXPECT_EQ(Outcome(List(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(List(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(List(request, kEast)),
              UnorderedElementsAre("unit", "item", "lot", "state", "page_size", "page_token"));
  EXPECT_EQ(Outcome(List(Of("units/west"), kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(List(Of("units/ghost"), kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(List(Of("units/station"), kEast)), "OK");
}

TEST_F(ListBalancesTest, ListsWhatIsThereByEveryFilter) {
  MakeLocation("units/station", "post");
  MustPost(AReceipt(10));
  MustPost(APosting(v1::HOLD, {ALine(kMasks, kDepot, v1::AVAILABLE, v1::QUARANTINE, 4)}));
  MustPost(AReceipt(7, "units/station/locations/post", kOtherMasks));
  MustPost(AReceipt(500, kCabinet, kAlcohol));
  MustPost(AReceipt(3, kRoom));
  MustPost(AConsumption(3, kRoom));
  const std::string depot = "items/mask/lots/m1 units/east/locations/depot AVAILABLE 6 piece";
  const std::string held = "items/mask/lots/m1 units/east/locations/depot QUARANTINE 4 piece";
  const std::string station = "items/mask/lots/m2 units/station/locations/post AVAILABLE 7 piece";
  const std::string cabinet =
      "items/alcohol/lots/a1 units/east/locations/cabinet AVAILABLE 500 gram";

  for (const int page_size : {1, 2, 4, 100}) {
    EXPECT_THAT(Lines(Of("units/city"), page_size), ElementsAre(depot, held, station, cabinet));
  }
  EXPECT_THAT(Lines(Of("units/station")), ElementsAre(station));
  EXPECT_THAT(Lines(Of("units/west")), IsEmpty());
  v1::ListBalancesRequest request = Of("units/city");
  request.set_item("items/alcohol");
  EXPECT_THAT(Lines(request), ElementsAre(cabinet));
  request = Of("units/city");
  request.set_lot(kMasks);
  EXPECT_THAT(Lines(request), ElementsAre(depot, held));
  request = Of("units/city");
  request.set_state(v1::QUARANTINE);
  EXPECT_THAT(Lines(request), ElementsAre(held));
  request.set_state(v1::CONSUMED);
  EXPECT_THAT(Lines(request),
              ElementsAre("items/mask/lots/m1 units/west/locations/room CONSUMED 3 piece"));
  request.set_state(v1::SUPPLIER);
  EXPECT_THAT(Lines(request),
              ElementsAre("items/mask/lots/m1 units/east/locations/depot SUPPLIER -10 piece",
                          "items/mask/lots/m2 units/station/locations/post SUPPLIER -7 piece",
                          "items/alcohol/lots/a1 units/east/locations/cabinet SUPPLIER -500 gram",
                          "items/mask/lots/m1 units/west/locations/room SUPPLIER -3 piece"));
}

TEST_F(ListBalancesTest, ATokenIsForItsOwnList) {
  MustPost(AReceipt(1));
  MustPost(AReceipt(2, kShelf));
  v1::ListBalancesRequest request = Of("units/east");
  request.set_page_size(1);
  request.set_page_token(List(request)->next_page_token());
  ASSERT_NE(request.page_token(), "");
  ASSERT_EQ(Outcome(List(request)), "OK");

  request.set_state(v1::AVAILABLE);

  EXPECT_THAT(ViolatedFields(List(request)), ElementsAre("page_token"));
}

}  // namespace
}  // namespace quartermaster::testing
