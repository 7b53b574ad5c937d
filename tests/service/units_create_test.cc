// Units.CreateUnit.

#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/service/units_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

TEST_F(UnitsTest, CreateFailsInTheDocumentedOrder) {
  const v1::CreateUnitRequest earlier = ACreateUnit("earlier", "units/city");
  ASSERT_TRUE(Create(earlier).ok());
  v1::CreateUnitRequest request;
  request.set_unit_id("Bad Id");
  request.mutable_unit()->set_parent("units/ghost");

  EXPECT_EQ(Outcome(Create(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Create(request, kOutsider)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Create(request, kEastManager)), "INVALID_ARGUMENT INVALID_FIELD");
  request = ACreateUnit("east", "units/ghost");
  request.set_request_id(earlier.request_id());
  EXPECT_EQ(Outcome(Create(request, kEastManager)), "PERMISSION_DENIED PERMISSION_DENIED");
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
  ASSERT_TRUE(Create(request, kEastManager).ok());
  server_->authenticator().Revoke(kEastManager);
  server_->authenticator().Grant(kEastManager, "units/west", {"units.manage"});

  EXPECT_EQ(Outcome(Create(request, kEastManager)), "PERMISSION_DENIED PERMISSION_DENIED");
}

TEST_F(UnitsTest, TheSameRequestIdOfAnotherCallerIsAnotherRequest) {
  v1::CreateUnitRequest request = ACreateUnit("a", "units/east");
  ASSERT_TRUE(Create(request).ok());
  request.set_unit_id("east-b");

  EXPECT_EQ(Outcome(Create(request, kEastManager)), "OK");
}

// Goal: choosing an id tells nobody which ids others have.
TEST_F(UnitsTest, WhoCoversAPartGivesIdsOfThatPartAlone) {
  const auto taken = Create(ACreateUnit("west", "units/east"), kEastManager);
  const auto is_free = Create(ACreateUnit("ghost", "units/east"), kEastManager);

  EXPECT_EQ(Outcome(taken), "PERMISSION_DENIED ID_OUT_OF_SCOPE");
  EXPECT_EQ(Outcome(is_free), "PERMISSION_DENIED ID_OUT_OF_SCOPE");
  EXPECT_EQ(Metadata(taken, "prefix"), "east-");
  EXPECT_EQ(std::string(taken.status().message()),
            "you may give no such id as west; choose one that begins with east-");
  EXPECT_EQ(Outcome(Create(ACreateUnit("easternmost", "units/east"), kEastManager)),
            "PERMISSION_DENIED ID_OUT_OF_SCOPE");
  EXPECT_EQ(Outcome(Create(ACreateUnit("east-1", "units/east"), kEastManager)), "OK");
  EXPECT_EQ(Outcome(Create(ACreateUnit("east-1", "units/east"), kEastManager)),
            "ALREADY_EXISTS UNIT_EXISTS");
  // The unit that it is to be beneath counts, not any that the caller covers.
  EXPECT_EQ(Outcome(Create(ACreateUnit("east-2", "units/station"), kEastManager)),
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
  EXPECT_EQ(Outcome(Create(ACreateUnit("second", ""), kEastManager)),
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
