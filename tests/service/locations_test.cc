// The locations of Units.

#include "tests/service/units_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::UnorderedElementsAre;

TEST_F(UnitsTest, CreateLocationFailsInTheDocumentedOrder) {
  const auto create = [&](const v1::CreateLocationRequest& asked, const std::string& caller) {
    return server_->Call(&UnitsStub::CreateLocation, asked, caller);
  };
  MakeLocation("units/city", "depot");
  const v1::CreateUnitRequest earlier = ACreateUnit("earlier", "units/city");
  ASSERT_TRUE(Create(earlier).ok());
  v1::CreateLocationRequest request;
  request.mutable_location()->set_custodian("a person");

  EXPECT_EQ(Outcome(create(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(create(request, kOutsider)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(create(request, kEastManager)),
              UnorderedElementsAre("parent", "location_id", "location.title.zh", "location.kind",
                                   "location.custodian", "request_id"));
  request = ACreateLocation("units/ghost", "depot");
  request.set_request_id(earlier.request_id());
  EXPECT_EQ(Outcome(create(request, kEastManager)), "PERMISSION_DENIED PERMISSION_DENIED");
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
    return server_->Call(&UnitsStub::GetLocation, request, caller);
  };

  EXPECT_EQ(Outcome(get("units/east", "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(get("units/east", kOutsider)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(get("units/east", kEastManager)), "INVALID_ARGUMENT INVALID_FIELD");
  EXPECT_EQ(Outcome(get("units/west/locations/store", kEastManager)),
            "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(get("units/west/locations/ghost", kEastManager)),
            "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(get("units/east/locations/ghost", kEastManager)),
            "NOT_FOUND LOCATION_NOT_FOUND");
  EXPECT_EQ(Outcome(get("units/east/locations/store", kEastManager)), "OK");
}

TEST_F(UnitsTest, ListLocationsCoversTheSubtreeAndPages) {
  MakeLocation("units/station", "b");
  MakeLocation("units/station", "a");
  MakeLocation("units/east", "z");
  MakeLocation("units/west", "m");
  v1::ListLocationsRequest request;
  request.set_parent("units/east");
  request.set_page_size(2);

  const auto first = server_->Call(&UnitsStub::ListLocations, request, kEastManager);
  ASSERT_TRUE(first.ok()) << first.status();
  request.set_page_token(first->next_page_token());
  const auto second = server_->Call(&UnitsStub::ListLocations, request, kEastManager);

  ASSERT_EQ(first->locations_size(), 2);
  EXPECT_EQ(first->locations(0).name(), "units/east/locations/z");
  EXPECT_EQ(first->locations(1).name(), "units/station/locations/a");
  ASSERT_EQ(second->locations_size(), 1);
  EXPECT_EQ(second->locations(0).name(), "units/station/locations/b");
  EXPECT_EQ(second->next_page_token(), "");
  request.set_parent("units/west");
  EXPECT_EQ(Outcome(server_->Call(&UnitsStub::ListLocations, request, kEastManager)),
            "INVALID_ARGUMENT INVALID_FIELD");
  request.clear_page_token();
  EXPECT_EQ(Outcome(server_->Call(&UnitsStub::ListLocations, request, kEastManager)),
            "PERMISSION_DENIED PERMISSION_DENIED");
}

TEST_F(UnitsTest, UpdateLocationFailsInTheDocumentedOrder) {
  const v1::Location made = MakeLocation("units/west", "store");
  const v1::CreateUnitRequest earlier = ACreateUnit("earlier", "units/city");
  ASSERT_TRUE(Create(earlier).ok());
  const auto update = [&](const v1::UpdateLocationRequest& asked, const std::string& caller) {
    return server_->Call(&UnitsStub::UpdateLocation, asked, caller);
  };
  v1::UpdateLocationRequest request;

  EXPECT_EQ(Outcome(update(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(update(request, kOutsider)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(update(request, kEastManager)), "INVALID_ARGUMENT INVALID_FIELD");
  *request.mutable_location() = made;
  request.mutable_location()->set_name("units/west/locations/ghost");
  request.mutable_location()->set_etag("v77");
  request.set_request_id(earlier.request_id());
  EXPECT_EQ(Outcome(update(request, kEastManager)), "PERMISSION_DENIED PERMISSION_DENIED");
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

}  // namespace
}  // namespace quartermaster::testing
