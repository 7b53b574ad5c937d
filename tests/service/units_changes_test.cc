// Units.UpdateUnit and MoveUnit.

#include <thread>

#include "tests/service/units_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST_F(UnitsTest, UpdateFailsInTheDocumentedOrder) {
  const v1::CreateUnitRequest earlier = ACreateUnit("earlier", "units/city");
  ASSERT_TRUE(Create(earlier).ok());
  v1::UpdateUnitRequest request;
  request.mutable_unit()->set_name("units/");

  EXPECT_EQ(Outcome(Update(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Update(request, kOutsider)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(
      ViolatedFields(Update(request, kEastManager)),
      UnorderedElementsAre("unit.name", "unit.title.zh", "unit.kind", "unit.etag", "request_id"));
  request = AnUpdate("units/west");
  request.mutable_unit()->set_name("units/ghost");
  request.mutable_unit()->set_etag("v77");
  request.set_request_id(earlier.request_id());
  EXPECT_EQ(Outcome(Update(request, kEastManager)), "PERMISSION_DENIED PERMISSION_DENIED");
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
  EXPECT_EQ(Outcome(Move(request, kOutsider)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(Move(request, kEastManager)),
              UnorderedElementsAre("name", "parent", "etag", "request_id"));
  request = AMove("units/east", "units/west");
  request.set_request_id(earlier.request_id());
  // The caller's grants cover the unit, but not where it is to go.
  EXPECT_EQ(Outcome(Move(request, kEastManager)), "PERMISSION_DENIED PERMISSION_DENIED");
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
  ASSERT_EQ(Outcome(Get("units/station", kEastManager)), "OK");

  const auto moved = Move(AMove("units/station", "units/west"));

  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ(moved->parent(), "units/west");
  EXPECT_EQ(Outcome(Get("units/station", kEastManager)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(List("units/west", kAdmin), ElementsAre("units/station", "units/west"));
  EXPECT_THAT(List("", kEastManager), ElementsAre("units/east"));
}

TEST_F(UnitsTest, MovingKeepsWhatWasRecordedBefore) {
  const v1::CreateUnitRequest request = ACreateUnit("qinghe", "units/east");
  ASSERT_TRUE(Create(request).ok());
  ASSERT_TRUE(Move(AMove("units/qinghe", "units/west")).ok());

  EXPECT_EQ(Create(request)->parent(), "units/east");
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

}  // namespace
}  // namespace quartermaster::testing
