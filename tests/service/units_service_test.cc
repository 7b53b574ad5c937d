#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/service/service_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;
using Stub = v1::Units::Stub;

// May do everything, in the east alone.
constexpr char kEast[] = "persons/east";
// May do something, but nothing about units.
constexpr char kStranger[] = "persons/stranger";

class UnitsTest : public ServiceTest {
 protected:
  UnitsTest() {
    MakeTree();
    server_->authenticator().Grant(kEast, "units/east", {"units.manage", "units.read"});
    server_->authenticator().Grant(kStranger, "units/city", {"catalog.read"});
  }

  absl::StatusOr<v1::Unit> Create(const v1::CreateUnitRequest& request,
                                  const std::string& caller = kAdmin) {
    return server_->Call(&Stub::CreateUnit, request, caller);
  }
  absl::StatusOr<v1::Unit> Get(const std::string& name, const std::string& caller = kAdmin) {
    v1::GetUnitRequest request;
    request.set_name(name);
    return server_->Call(&Stub::GetUnit, request, caller);
  }
  absl::StatusOr<v1::Unit> Move(const v1::MoveUnitRequest& request,
                                const std::string& caller = kAdmin) {
    return server_->Call(&Stub::MoveUnit, request, caller);
  }
  v1::MoveUnitRequest AMove(const std::string& name, const std::string& parent) {
    v1::MoveUnitRequest request;
    request.set_name(name);
    request.set_parent(parent);
    request.set_etag(Get(name).value_or(v1::Unit()).etag());
    request.set_request_id(NewRequestId());
    return request;
  }
  v1::UpdateUnitRequest AnUpdate(const std::string& name) {
    v1::UpdateUnitRequest request;
    *request.mutable_unit() = Get(name).value_or(v1::Unit());
    request.set_request_id(NewRequestId());
    return request;
  }
  absl::StatusOr<v1::Unit> Update(const v1::UpdateUnitRequest& request,
                                  const std::string& caller = kAdmin) {
    return server_->Call(&Stub::UpdateUnit, request, caller);
  }
  std::vector<std::string> List(const std::string& root, const std::string& caller) {
    v1::ListUnitsRequest request;
    request.set_root(root);
    const auto page = server_->Call(&Stub::ListUnits, request, caller);
    EXPECT_TRUE(page.ok()) << page.status();
    std::vector<std::string> names;
    if (page.ok()) {
      for (const v1::Unit& unit : page->units()) names.push_back(unit.name());
    }
    return names;
  }
};

TEST_F(UnitsTest, CreateFailsInTheDocumentedOrder) {
  const v1::CreateUnitRequest earlier = ACreateUnit("earlier", "units/city");
  ASSERT_TRUE(Create(earlier).ok());
  v1::CreateUnitRequest request;
  request.set_unit_id("Bad Id");
  request.mutable_unit()->set_parent("units/ghost");

  EXPECT_EQ(Outcome(Create(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Create(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Create(request, kEast)), "INVALID_ARGUMENT INVALID_FIELD");
  request = ACreateUnit("east", "units/ghost");
  request.set_request_id(earlier.request_id());
  EXPECT_EQ(Outcome(Create(request, kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Create(request)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.set_request_id(NewRequestId());
  EXPECT_EQ(Outcome(Create(request)), "NOT_FOUND UNIT_NOT_FOUND");
  request.mutable_unit()->set_parent("units/city");
  EXPECT_EQ(Outcome(Create(request)), "ALREADY_EXISTS UNIT_EXISTS");
  request.set_unit_id("newcomer");
  EXPECT_EQ(Outcome(Create(request)), "OK");
}

TEST_F(UnitsTest, CreateNamesEveryFieldThatBreaksItsFormat) {
  v1::CreateUnitRequest request;
  request.set_unit_id("-");
  request.mutable_unit()->set_parent("locations/x");
  request.mutable_unit()->mutable_title()->set_en("two\nlines");
  request.mutable_unit()->set_kind(static_cast<v1::UnitKind>(99));
  request.mutable_unit()->set_priority(static_cast<v1::PriorityClass>(99));
  request.mutable_unit()->set_establishment_count(-1);
  request.set_request_id("1");

  EXPECT_THAT(
      ViolatedFields(Create(request)),
      UnorderedElementsAre("unit_id", "unit.parent", "unit.title.zh", "unit.title.en", "unit.kind",
                           "unit.priority", "unit.establishment_count", "request_id"));
}

TEST_F(UnitsTest, CreateAnswersWithWhatGetReturns) {
  v1::CreateUnitRequest request = ACreateUnit("qinghe", "units/east");
  request.mutable_unit()->mutable_title()->set_en("Qinghe Station");
  request.mutable_unit()->set_priority(v1::FRONTLINE);
  request.mutable_unit()->set_establishment_count(46);

  const auto created = Create(request);

  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->name(), "units/qinghe");
  EXPECT_EQ(created->parent(), "units/east");
  EXPECT_EQ(created->title().en(), "Qinghe Station");
  EXPECT_EQ(created->priority(), v1::FRONTLINE);
  EXPECT_EQ(created->establishment_count(), 46);
  EXPECT_FALSE(created->etag().empty());
  EXPECT_GT(created->create_time().seconds(), 0);
  EXPECT_EQ(Get("units/qinghe")->SerializeAsString(), created->SerializeAsString());
}

TEST_F(UnitsTest, APriorityThatNobodySetIsRegular) {
  EXPECT_EQ(Get("units/east")->priority(), v1::REGULAR);
}

TEST_F(UnitsTest, ARepeatedCreateGetsTheFirstAnswerEvenAfterChanges) {
  const v1::CreateUnitRequest request = ACreateUnit("qinghe", "units/east");
  const auto first = Create(request);
  v1::UpdateUnitRequest update = AnUpdate("units/qinghe");
  update.mutable_unit()->mutable_title()->set_zh("清河派出所");
  ASSERT_TRUE(Update(update).ok());
  const int64_t records = Count("records");

  const auto again = Create(request);

  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(Count("records"), records);
}

TEST_F(UnitsTest, ARepeatedCreateIsRefusedToWhoLostTheGrant) {
  const v1::CreateUnitRequest request = ACreateUnit("east-qinghe", "units/east");
  ASSERT_TRUE(Create(request, kEast).ok());
  server_->authenticator().Revoke(kEast);
  server_->authenticator().Grant(kEast, "units/west", {"units.manage"});

  EXPECT_EQ(Outcome(Create(request, kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
}

TEST_F(UnitsTest, TheSameRequestIdOfAnotherCallerIsAnotherRequest) {
  v1::CreateUnitRequest request = ACreateUnit("a", "units/east");
  ASSERT_TRUE(Create(request).ok());
  request.set_unit_id("east-b");

  EXPECT_EQ(Outcome(Create(request, kEast)), "OK");
}

// Goal: choosing an id tells nobody which ids others have.
TEST_F(UnitsTest, WhoCoversAPartGivesIdsOfThatPartAlone) {
  const auto taken = Create(ACreateUnit("west", "units/east"), kEast);
  const auto is_free = Create(ACreateUnit("ghost", "units/east"), kEast);

  EXPECT_EQ(Outcome(taken), "PERMISSION_DENIED ID_OUT_OF_SCOPE");
  EXPECT_EQ(Outcome(is_free), "PERMISSION_DENIED ID_OUT_OF_SCOPE");
  EXPECT_EQ(Metadata(taken, "prefix"), "east-");
  EXPECT_EQ(std::string(taken.status().message()),
            "you may give no such id as west; choose one that begins with east-");
  EXPECT_EQ(Outcome(Create(ACreateUnit("easternmost", "units/east"), kEast)),
            "PERMISSION_DENIED ID_OUT_OF_SCOPE");
  EXPECT_EQ(Outcome(Create(ACreateUnit("east-1", "units/east"), kEast)), "OK");
  EXPECT_EQ(Outcome(Create(ACreateUnit("east-1", "units/east"), kEast)),
            "ALREADY_EXISTS UNIT_EXISTS");
  // The unit that it is to be beneath counts, not any that the caller covers.
  EXPECT_EQ(Outcome(Create(ACreateUnit("east-2", "units/station"), kEast)),
            "PERMISSION_DENIED ID_OUT_OF_SCOPE");
  EXPECT_EQ(Outcome(Create(ACreateUnit("north", "units/east"), kAdmin)), "OK");
}

TEST_F(UnitsTest, ARefusalLeavesNoTrace) {
  const int64_t records = Count("records");
  const v1::CreateUnitRequest request = ACreateUnit("qinghe", "units/ghost");

  ASSERT_EQ(Outcome(Create(request)), "NOT_FOUND UNIT_NOT_FOUND");
  MakeUnit("ghost", "units/city");

  EXPECT_EQ(Outcome(Create(request)), "OK");
  EXPECT_EQ(Count("records"), records + 2);
  EXPECT_EQ(Count("requests"), Count("records"));
  EXPECT_EQ(Count("document_versions"), Count("records"));
}

TEST_F(UnitsTest, OnlyTheFirstUnitHasNoParent) {
  const auto second = Create(ACreateUnit("second", ""));

  EXPECT_EQ(Outcome(second), "INVALID_ARGUMENT INVALID_FIELD");
  EXPECT_THAT(ViolatedFields(second), ElementsAre("unit.parent"));
  EXPECT_EQ(Outcome(Create(ACreateUnit("second", ""), kEast)),
            "PERMISSION_DENIED PERMISSION_DENIED");
}

TEST_F(UnitsTest, TheFirstUnitAsksForAGrantOnItsOwnName) {
  server_ = StartEmpty(database_);
  server_->authenticator().Grant(kAdmin, "units/city", {"units.manage", "units.read"});

  EXPECT_EQ(Outcome(Create(ACreateUnit("town", ""))), "PERMISSION_DENIED PERMISSION_DENIED");
  const v1::CreateUnitRequest request = ACreateUnit("city", "");
  const auto first = Create(request);
  EXPECT_EQ(Outcome(first), "OK");
  EXPECT_EQ(Create(request)->SerializeAsString(), first->SerializeAsString());
}

TEST_F(UnitsTest, GetFailsInTheDocumentedOrder) {
  EXPECT_EQ(Outcome(Get("units/", "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Get("units/", kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Get("units/", kEast)), "INVALID_ARGUMENT INVALID_FIELD");
  EXPECT_EQ(Outcome(Get("units/ghost", kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Get("units/ghost")), "NOT_FOUND UNIT_NOT_FOUND");
  EXPECT_EQ(Outcome(Get("units/station", kEast)), "OK");
}

// What is beside a caller's units must look to them like what is not there at all.
TEST_F(UnitsTest, NothingIsToldAboutUnitsOutsideTheGrants) {
  const absl::Status exists = Get("units/west", kEast).status();
  const absl::Status ghost = Get("units/ghost", kEast).status();

  EXPECT_EQ(exists.code(), ghost.code());
  EXPECT_EQ(std::string(exists.message()),
            absl::StrCat("you need the permission units.read for units/west, which none of your "
                         "grants gives"));
  EXPECT_EQ(std::string(ghost.message()),
            absl::StrCat("you need the permission units.read for units/ghost, which none of your "
                         "grants gives"));
  EXPECT_EQ(status::GetErrorDetail(exists).metadata.size(),
            status::GetErrorDetail(ghost).metadata.size());
  EXPECT_EQ(Outcome(Get("units/city", kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
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
  EXPECT_THAT(List("", kEast), ElementsAre("units/east", "units/station"));
  EXPECT_THAT(List("units/east", kAdmin), ElementsAre("units/east", "units/station"));
  EXPECT_THAT(List("units/ghost", kAdmin), IsEmpty());
  v1::ListUnitsRequest request;
  request.set_root("units/west");
  EXPECT_EQ(Outcome(server_->Call(&Stub::ListUnits, request, kEast)),
            "PERMISSION_DENIED PERMISSION_DENIED");
}

TEST_F(UnitsTest, ListPagesToTheEndWithoutGapOrRepetition) {
  std::vector<std::string> names;
  v1::ListUnitsRequest request;
  request.set_page_size(1);
  do {
    const auto page = server_->Call(&Stub::ListUnits, request, kAdmin);
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
  const std::string token = server_->Call(&Stub::ListUnits, request, kAdmin)->next_page_token();

  request.set_root("units/east");
  request.set_page_token(token);
  EXPECT_THAT(ViolatedFields(server_->Call(&Stub::ListUnits, request, kAdmin)),
              ElementsAre("page_token"));
  request.set_page_token("x");
  request.set_page_size(-1);
  request.set_root("east");
  EXPECT_THAT(ViolatedFields(server_->Call(&Stub::ListUnits, request, kAdmin)),
              UnorderedElementsAre("root", "page_size", "page_token"));
}

TEST_F(UnitsTest, UpdateFailsInTheDocumentedOrder) {
  const v1::CreateUnitRequest earlier = ACreateUnit("earlier", "units/city");
  ASSERT_TRUE(Create(earlier).ok());
  v1::UpdateUnitRequest request;
  request.mutable_unit()->set_name("units/");

  EXPECT_EQ(Outcome(Update(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Update(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(
      ViolatedFields(Update(request, kEast)),
      UnorderedElementsAre("unit.name", "unit.title.zh", "unit.kind", "unit.etag", "request_id"));
  request = AnUpdate("units/west");
  request.mutable_unit()->set_name("units/ghost");
  request.mutable_unit()->set_etag("v77");
  request.set_request_id(earlier.request_id());
  EXPECT_EQ(Outcome(Update(request, kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Update(request)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.set_request_id(NewRequestId());
  EXPECT_EQ(Outcome(Update(request)), "NOT_FOUND UNIT_NOT_FOUND");
  request.mutable_unit()->set_name("units/west");
  EXPECT_EQ(Outcome(Update(request)), "ABORTED ETAG_MISMATCH");
  request.mutable_unit()->set_etag(Get("units/west")->etag());
  EXPECT_EQ(Outcome(Update(request)), "OK");
}

TEST_F(UnitsTest, UpdateChangesAllButTheParent) {
  v1::UpdateUnitRequest request = AnUpdate("units/station");
  request.mutable_unit()->set_parent("units/west");
  request.mutable_unit()->mutable_title()->set_zh("新名");
  request.mutable_unit()->set_kind(v1::CHECKPOINT);
  const v1::Unit before = *Get("units/station");

  const auto after = Update(request);

  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->parent(), "units/east");
  EXPECT_EQ(after->title().zh(), "新名");
  EXPECT_EQ(after->kind(), v1::CHECKPOINT);
  EXPECT_NE(after->etag(), before.etag());
  EXPECT_EQ(after->create_time().seconds(), before.create_time().seconds());
  EXPECT_EQ(Get("units/station")->SerializeAsString(), after->SerializeAsString());
}

TEST_F(UnitsTest, MoveFailsInTheDocumentedOrder) {
  const v1::CreateUnitRequest earlier = ACreateUnit("earlier", "units/city");
  ASSERT_TRUE(Create(earlier).ok());
  v1::MoveUnitRequest request;

  EXPECT_EQ(Outcome(Move(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Move(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(Move(request, kEast)),
              UnorderedElementsAre("name", "parent", "etag", "request_id"));
  request = AMove("units/east", "units/west");
  request.set_request_id(earlier.request_id());
  // The caller's grants cover the unit, but not where it is to go.
  EXPECT_EQ(Outcome(Move(request, kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  request.set_etag("v77");
  request.set_parent("units/ghost");
  EXPECT_EQ(Outcome(Move(request)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.set_request_id(NewRequestId());
  EXPECT_EQ(Outcome(Move(request)), "NOT_FOUND UNIT_NOT_FOUND");
  request.set_parent("units/station");
  EXPECT_EQ(Outcome(Move(request)), "ABORTED ETAG_MISMATCH");
  request.set_etag(Get("units/east")->etag());
  const auto cycle = Move(request);
  EXPECT_EQ(Outcome(cycle), "FAILED_PRECONDITION UNIT_CYCLE");
  EXPECT_EQ(Metadata(cycle, "unit"), "units/east");
  EXPECT_EQ(Metadata(cycle, "parent"), "units/station");
  request.set_parent("units/east");
  EXPECT_EQ(Outcome(Move(request)), "FAILED_PRECONDITION UNIT_CYCLE");
  request.set_parent("units/west");
  EXPECT_EQ(Outcome(Move(request)), "OK");
}

TEST_F(UnitsTest, AMovedUnitIsJudgedByItsNewPlaceAtOnce) {
  MakeLocation("units/station", "store");
  ASSERT_EQ(Outcome(Get("units/station", kEast)), "OK");

  const auto moved = Move(AMove("units/station", "units/west"));

  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ(moved->parent(), "units/west");
  EXPECT_EQ(Outcome(Get("units/station", kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(List("units/west", kAdmin), ElementsAre("units/station", "units/west"));
  EXPECT_THAT(List("", kEast), ElementsAre("units/east"));
}

TEST_F(UnitsTest, MovingKeepsWhatWasRecordedBefore) {
  const v1::CreateUnitRequest request = ACreateUnit("qinghe", "units/east");
  ASSERT_TRUE(Create(request).ok());
  ASSERT_TRUE(Move(AMove("units/qinghe", "units/west")).ok());

  EXPECT_EQ(Create(request)->parent(), "units/east");
}

TEST_F(UnitsTest, CreateLocationFailsInTheDocumentedOrder) {
  const auto create = [&](const v1::CreateLocationRequest& asked, const std::string& caller) {
    return server_->Call(&Stub::CreateLocation, asked, caller);
  };
  MakeLocation("units/city", "depot");
  const v1::CreateUnitRequest earlier = ACreateUnit("earlier", "units/city");
  ASSERT_TRUE(Create(earlier).ok());
  v1::CreateLocationRequest request;
  request.mutable_location()->set_custodian("a person");

  EXPECT_EQ(Outcome(create(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(create(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(create(request, kEast)),
              UnorderedElementsAre("parent", "location_id", "location.title.zh", "location.kind",
                                   "location.custodian", "request_id"));
  request = ACreateLocation("units/ghost", "depot");
  request.set_request_id(earlier.request_id());
  EXPECT_EQ(Outcome(create(request, kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(create(request, kAdmin)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.set_request_id(NewRequestId());
  EXPECT_EQ(Outcome(create(request, kAdmin)), "NOT_FOUND UNIT_NOT_FOUND");
  request.set_parent("units/city");
  EXPECT_EQ(Outcome(create(request, kAdmin)), "ALREADY_EXISTS LOCATION_EXISTS");
  request.set_location_id("depot-2");
  EXPECT_EQ(Outcome(create(request, kAdmin)), "OK");
  EXPECT_EQ(create(request, kAdmin)->name(), "units/city/locations/depot-2");
}

TEST_F(UnitsTest, GetLocationFailsInTheDocumentedOrder) {
  MakeLocation("units/east", "store");
  MakeLocation("units/west", "store");
  const auto get = [&](const std::string& name, const std::string& caller) {
    v1::GetLocationRequest request;
    request.set_name(name);
    return server_->Call(&Stub::GetLocation, request, caller);
  };

  EXPECT_EQ(Outcome(get("units/east", "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(get("units/east", kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(get("units/east", kEast)), "INVALID_ARGUMENT INVALID_FIELD");
  EXPECT_EQ(Outcome(get("units/west/locations/store", kEast)),
            "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(get("units/west/locations/ghost", kEast)),
            "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(get("units/east/locations/ghost", kEast)), "NOT_FOUND LOCATION_NOT_FOUND");
  EXPECT_EQ(Outcome(get("units/east/locations/store", kEast)), "OK");
}

TEST_F(UnitsTest, ListLocationsCoversTheSubtreeAndPages) {
  MakeLocation("units/station", "b");
  MakeLocation("units/station", "a");
  MakeLocation("units/east", "z");
  MakeLocation("units/west", "m");
  v1::ListLocationsRequest request;
  request.set_parent("units/east");
  request.set_page_size(2);

  const auto first = server_->Call(&Stub::ListLocations, request, kEast);
  ASSERT_TRUE(first.ok()) << first.status();
  request.set_page_token(first->next_page_token());
  const auto second = server_->Call(&Stub::ListLocations, request, kEast);

  ASSERT_EQ(first->locations_size(), 2);
  EXPECT_EQ(first->locations(0).name(), "units/east/locations/z");
  EXPECT_EQ(first->locations(1).name(), "units/station/locations/a");
  ASSERT_EQ(second->locations_size(), 1);
  EXPECT_EQ(second->locations(0).name(), "units/station/locations/b");
  EXPECT_EQ(second->next_page_token(), "");
  request.set_parent("units/west");
  EXPECT_EQ(Outcome(server_->Call(&Stub::ListLocations, request, kEast)),
            "INVALID_ARGUMENT INVALID_FIELD");
  request.clear_page_token();
  EXPECT_EQ(Outcome(server_->Call(&Stub::ListLocations, request, kEast)),
            "PERMISSION_DENIED PERMISSION_DENIED");
}

TEST_F(UnitsTest, UpdateLocationFailsInTheDocumentedOrder) {
  const v1::Location made = MakeLocation("units/west", "store");
  const v1::CreateUnitRequest earlier = ACreateUnit("earlier", "units/city");
  ASSERT_TRUE(Create(earlier).ok());
  const auto update = [&](const v1::UpdateLocationRequest& asked, const std::string& caller) {
    return server_->Call(&Stub::UpdateLocation, asked, caller);
  };
  v1::UpdateLocationRequest request;

  EXPECT_EQ(Outcome(update(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(update(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(update(request, kEast)), "INVALID_ARGUMENT INVALID_FIELD");
  *request.mutable_location() = made;
  request.mutable_location()->set_name("units/west/locations/ghost");
  request.mutable_location()->set_etag("v77");
  request.set_request_id(earlier.request_id());
  EXPECT_EQ(Outcome(update(request, kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(update(request, kAdmin)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.set_request_id(NewRequestId());
  EXPECT_EQ(Outcome(update(request, kAdmin)), "NOT_FOUND LOCATION_NOT_FOUND");
  request.mutable_location()->set_name(made.name());
  EXPECT_EQ(Outcome(update(request, kAdmin)), "ABORTED ETAG_MISMATCH");
  request.mutable_location()->set_etag(made.etag());
  request.mutable_location()->set_custodian("p-17");
  request.mutable_location()->set_kind(v1::FLAMMABLES_STORE);
  const auto updated = update(request, kAdmin);
  ASSERT_EQ(Outcome(updated), "OK");
  EXPECT_EQ(updated->custodian(), "p-17");
  // Postings rest on what sort of place it is.
  EXPECT_EQ(updated->kind(), v1::STORE_ROOM);
}

// Goal: what one replica writes, another uses at once, though it has not polled.
TEST_F(UnitsTest, AReplicaKnowsWhatAnotherCreatedWhenItIsAskedForIt) {
  const std::unique_ptr<InventoryServer> replica = InventoryServer::Start(database_);
  replica->authenticator().Grant(kEast, "units/east", {"units.manage", "units.read"});
  MakeUnit("qinghe", "units/east");

  const auto made =
      replica->Call(&Stub::CreateLocation, ACreateLocation("units/qinghe", "store"), kEast);

  EXPECT_EQ(Outcome(made), "OK");
  EXPECT_EQ(Outcome(server_->Call(&Stub::CreateLocation, ACreateLocation("units/qinghe", "store"),
                                  kAdmin)),
            "ALREADY_EXISTS LOCATION_EXISTS");
}

// Goal: replicas agree about a moved unit within a bounded time.
TEST_F(UnitsTest, AReplicaLearnsOfAMoveByPolling) {
  const std::unique_ptr<InventoryServer> replica =
      InventoryServer::Start(database_, {.refreshes = true});
  replica->authenticator().Grant(kEast, "units/east", {"units.read"});
  ASSERT_TRUE(Move(AMove("units/station", "units/west")).ok());

  v1::GetUnitRequest request;
  request.set_name("units/station");
  const bool agrees = WaitUntil(absl::Now() + absl::Seconds(5), [&] {
    return Outcome(replica->Call(&Stub::GetUnit, request, kEast)) ==
           "PERMISSION_DENIED PERMISSION_DENIED";
  });

  EXPECT_TRUE(agrees);
}

// Goal: two moves that together would close a ring never both succeed.
// Method: 16 rounds, each moving west under east and east under west at once, then putting both
// back; afterwards the tree must still hold every unit.
TEST_F(UnitsTest, MovesAtOnceNeverCloseARing) {
  for (int round = 0; round < 16; ++round) {
    const v1::MoveUnitRequest one = AMove("units/east", "units/west");
    const v1::MoveUnitRequest two = AMove("units/west", "units/east");
    std::string outcomes[2];
    std::thread first([&] { outcomes[0] = Outcome(Move(one)); });
    std::thread second([&] { outcomes[1] = Outcome(Move(two)); });
    first.join();
    second.join();

    EXPECT_THAT(outcomes, UnorderedElementsAre("OK", "FAILED_PRECONDITION UNIT_CYCLE"));
    ASSERT_THAT(List("units/city", kAdmin), ::testing::SizeIs(4));
    for (const char* name : {"units/east", "units/west"}) {
      ASSERT_TRUE(Move(AMove(name, "units/city")).ok());
    }
  }
}

// Goal: the same request, sent many times at once, is done once and answered alike.
TEST_F(UnitsTest, TwinsAtOnceAreOneWrite) {
  for (int round = 0; round < 8; ++round) {
    const v1::CreateUnitRequest request = ACreateUnit(absl::StrCat("twin-", round), "units/city");
    std::vector<std::string> answers(6);
    std::vector<std::thread> threads;
    for (std::string& answer : answers) {
      threads.emplace_back([&] {
        const auto created = Create(request);
        answer = created.ok() ? created->SerializeAsString() : Outcome(created);
      });
    }
    for (std::thread& thread : threads) thread.join();

    EXPECT_THAT(answers, ::testing::Each(answers.front()));
    EXPECT_THAT(answers.front(), HasSubstr(request.unit_id()));
  }
  EXPECT_EQ(Count("records"), 4 + 8);
  EXPECT_EQ(Count("requests"), 4 + 8);
}

}  // namespace
}  // namespace quartermaster::testing
