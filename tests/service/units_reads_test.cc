// Units.GetUnit and ListUnits, and what replicas know of each other.

#include "absl/strings/str_cat.h"
#include "tests/service/units_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST_F(UnitsTest, GetFailsInTheDocumentedOrder) {
  EXPECT_EQ(Outcome(Get("units/", "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Get("units/", kOutsider)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Get("units/", kEastManager)), "INVALID_ARGUMENT INVALID_FIELD");
  EXPECT_EQ(Outcome(Get("units/ghost", kEastManager)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Get("units/ghost")), "NOT_FOUND UNIT_NOT_FOUND");
  EXPECT_EQ(Outcome(Get("units/station", kEastManager)), "OK");
}

// What is beside a caller's units must look to them like what is not there at all.
TEST_F(UnitsTest, NothingIsToldAboutUnitsOutsideTheGrants) {
  const absl::Status exists = Get("units/west", kEastManager).status();
  const absl::Status ghost = Get("units/ghost", kEastManager).status();

  EXPECT_EQ(exists.code(), ghost.code());
  EXPECT_EQ(std::string(exists.message()),
            absl::StrCat("you need the permission units.read for units/west, which none of your "
                         "grants gives"));
  EXPECT_EQ(std::string(ghost.message()),
            absl::StrCat("you need the permission units.read for units/ghost, which none of your "
                         "grants gives"));
  EXPECT_EQ(status::GetErrorDetail(exists).metadata.size(),
            status::GetErrorDetail(ghost).metadata.size());
  EXPECT_EQ(Outcome(Get("units/city", kEastManager)), "PERMISSION_DENIED PERMISSION_DENIED");
}

TEST_F(UnitsTest, AGrantThatEndedGivesNothing) {
  const absl::Time now = server_->clock().Now();
  server_->authenticator().Grant("persons/late", "units/city", {"units.read"},
                                 now - absl::Seconds(1));
  server_->authenticator().Grant("persons/late", "units/east", {"units.read"},
                                 now + absl::Hours(1));

  EXPECT_EQ(Outcome(Get("units/west", "persons/late")), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Get("units/east", "persons/late")), "OK");
}

TEST_F(UnitsTest, ListShowsWhatTheGrantsCover) {
  EXPECT_THAT(List("", kAdmin),
              ElementsAre("units/city", "units/east", "units/station", "units/west"));
  EXPECT_THAT(List("", kEastManager), ElementsAre("units/east", "units/station"));
  EXPECT_THAT(List("units/east", kAdmin), ElementsAre("units/east", "units/station"));
  v1::ListUnitsRequest request;
  request.set_root("units/west");
  EXPECT_EQ(Outcome(server_->Call(&UnitsStub::ListUnits, request, kEastManager)),
            "PERMISSION_DENIED PERMISSION_DENIED");
}

TEST_F(UnitsTest, ListPagesToTheEndWithoutGapOrRepetition) {
  std::vector<std::string> names;
  v1::ListUnitsRequest request;
  request.set_page_size(1);
  do {
    const auto page = server_->Call(&UnitsStub::ListUnits, request, kAdmin);
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_EQ(page->units_size(), 1);
    names.push_back(page->units(0).name());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());

  EXPECT_THAT(names, ElementsAre("units/city", "units/east", "units/station", "units/west"));
}

TEST_F(UnitsTest, ListRefusesWhatIsNotOfThisList) {
  v1::ListUnitsRequest request;
  request.set_page_size(1);
  const std::string token =
      server_->Call(&UnitsStub::ListUnits, request, kAdmin)->next_page_token();

  request.set_root("units/east");
  request.set_page_token(token);
  EXPECT_THAT(ViolatedFields(server_->Call(&UnitsStub::ListUnits, request, kAdmin)),
              ElementsAre("page_token"));
  request.set_page_token("x");
  request.set_page_size(-1);
  request.set_root("east");
  EXPECT_THAT(ViolatedFields(server_->Call(&UnitsStub::ListUnits, request, kAdmin)),
              UnorderedElementsAre("root", "page_size", "page_token"));
}

// Goal: what one replica writes, another uses at once, though it has not polled.
TEST_F(UnitsTest, AReplicaKnowsWhatAnotherCreatedWhenItIsAskedForIt) {
  const std::unique_ptr<InventoryServer> replica = InventoryServer::Start(database_);
  replica->authenticator().Grant(kEastManager, "units/east", {"units.manage", "units.read"});
  MakeUnit("qinghe", "units/east");

  const auto made = replica->Call(&UnitsStub::CreateLocation,
                                  ACreateLocation("units/qinghe", "store"), kEastManager);

  EXPECT_EQ(Outcome(made), "OK");
  EXPECT_EQ(Outcome(server_->Call(&UnitsStub::CreateLocation,
                                  ACreateLocation("units/qinghe", "store"), kAdmin)),
            "ALREADY_EXISTS LOCATION_EXISTS");
}

// Goal: replicas agree about a moved unit within a bounded time.
TEST_F(UnitsTest, AReplicaLearnsOfAMoveByPolling) {
  const std::unique_ptr<InventoryServer> replica =
      InventoryServer::Start(database_, {.refreshes = true});
  replica->authenticator().Grant(kEastManager, "units/east", {"units.read"});
  ASSERT_TRUE(Move(AMove("units/station", "units/west")).ok());

  v1::GetUnitRequest request;
  request.set_name("units/station");
  const bool agrees = WaitUntil(absl::Now() + absl::Seconds(5), [&] {
    return Outcome(replica->Call(&UnitsStub::GetUnit, request, kEastManager)) ==
           "PERMISSION_DENIED PERMISSION_DENIED";
  });

  EXPECT_TRUE(agrees);
}

}  // namespace
}  // namespace quartermaster::testing
