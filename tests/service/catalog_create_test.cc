// Catalog.CreateItem.

#include "absl/strings/str_cat.h"
#include "tests/service/catalog_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST_F(CatalogTest, CreateFailsInTheDocumentedOrder) {
  const v1::CreateItemRequest earlier = ACreateItem("mask");
  ASSERT_TRUE(Create(earlier).ok());
  v1::CreateItemRequest request;

  EXPECT_EQ(Outcome(Create(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Create(request, kReader)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Create(request, kEastManager)), "INVALID_ARGUMENT INVALID_FIELD");
  request = ACreateItem("mask");
  request.set_request_id(earlier.request_id());
  request.mutable_item()->add_substitutes("items/ghost");
  AddUnit(*request.mutable_item(), "litre", 4, 5);
  EXPECT_EQ(Outcome(Create(request, kEastManager)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Create(request)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.set_request_id(NewRequestId());
  const auto no_substitute = Create(request);
  EXPECT_EQ(Outcome(no_substitute), "NOT_FOUND ITEM_NOT_FOUND");
  EXPECT_EQ(Metadata(no_substitute, "item"), "items/ghost");
  MakeItem("ghost");
  EXPECT_EQ(Outcome(Create(request)), "ALREADY_EXISTS ITEM_EXISTS");
  request.set_item_id("alcohol");
  const auto inexact = Create(request);
  EXPECT_EQ(Outcome(inexact), "FAILED_PRECONDITION CONVERSION_NOT_EXACT");
  EXPECT_EQ(Metadata(inexact, "unit"), "litre");
  EXPECT_EQ(Metadata(inexact, "numerator"), "4");
  EXPECT_EQ(Metadata(inexact, "denominator"), "5");
  request.mutable_item()->mutable_units(0)->set_numerator(800);
  request.mutable_item()->mutable_units(0)->set_denominator(1);
  EXPECT_EQ(Outcome(Create(request)), "OK");
}

TEST_F(CatalogTest, CreateNamesEveryFieldThatBreaksItsFormat) {
  v1::CreateItemRequest request;
  request.set_item_id("N95");
  request.mutable_item()->set_base_unit("Piece");
  request.mutable_item()->set_category_code("12345");
  request.mutable_item()->set_hazard(static_cast<v1::HazardClass>(77));
  AddUnit(*request.mutable_item(), "pair", 0);
  AddUnit(*request.mutable_item(), "pair", 2, -1);
  request.mutable_item()->add_substitutes("gloves");

  EXPECT_THAT(
      ViolatedFields(Create(request)),
      UnorderedElementsAre("item_id", "item.title.zh", "item.base_unit", "item.category_code",
                           "item.hazard", "item.units[0].numerator", "item.units[1].unit",
                           "item.units[1].denominator", "item.substitutes[0]", "request_id"));
}

TEST_F(CatalogTest, AnItemIsNoSubstituteForItself) {
  v1::CreateItemRequest request = ACreateItem("mask");
  request.mutable_item()->add_substitutes("items/mask");

  EXPECT_THAT(ViolatedFields(Create(request)), ElementsAre("item.substitutes[0]"));
}

TEST_F(CatalogTest, TooManyUnitsAreRefused) {
  v1::CreateItemRequest request = ACreateItem("mask");
  for (int i = 0; i < 32; ++i) AddUnit(*request.mutable_item(), absl::StrCat("u", i), 2);
  EXPECT_EQ(Outcome(Create(request)), "OK");
  request = ACreateItem("mask-2");
  for (int i = 0; i < 33; ++i) AddUnit(*request.mutable_item(), absl::StrCat("u", i), 2);

  EXPECT_THAT(ViolatedFields(Create(request)), ElementsAre("item.units"));
}

TEST_F(CatalogTest, CreateAnswersWithWhatGetReturns) {
  v1::CreateItemRequest request = ACreateItem("gloves");
  request.mutable_item()->set_category_code("1020304");
  request.mutable_item()->set_is_expiring(true);
  request.mutable_item()->set_is_durable(true);
  request.mutable_item()->set_hazard(v1::CORROSIVE);
  AddUnit(*request.mutable_item(), "pair", 4, 2);

  const auto created = Create(request);

  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->name(), "items/gloves");
  EXPECT_TRUE(created->is_expiring());
  EXPECT_TRUE(created->is_durable());
  EXPECT_EQ(created->hazard(), v1::CORROSIVE);
  EXPECT_EQ(created->units(0).denominator(), 2);
  EXPECT_EQ(Get("items/gloves")->SerializeAsString(), created->SerializeAsString());
  EXPECT_EQ(Convert("items/gloves", 3, "pair")->base_quantity(), 6);
}

TEST_F(CatalogTest, AHazardThatNobodySetIsNone) {
  EXPECT_EQ(MakeItem("mask").hazard(), v1::NO_HAZARD);
}

TEST_F(CatalogTest, MoneyCountsOnlyWhatIsKeptInFen) {
  v1::CreateItemRequest count = ACreateItem("mask");
  AddUnit(*count.mutable_item(), "wan-yuan", 1'000'000);
  EXPECT_THAT(ViolatedFields(Create(count)), ElementsAre("item.units[0].unit"));

  v1::CreateItemRequest value = ACreateItem("fruit");
  value.mutable_item()->set_base_unit("fen");
  AddUnit(*value.mutable_item(), "yuan", 10);
  EXPECT_THAT(ViolatedFields(Create(value)), ElementsAre("item.units[0].numerator"));
  value.mutable_item()->mutable_units(0)->set_numerator(100);
  AddUnit(*value.mutable_item(), "wan-yuan", 1'000'000);
  EXPECT_EQ(Outcome(Create(value)), "OK");
  EXPECT_EQ(Convert("items/fruit", 938, "wan-yuan")->base_quantity(), 938'000'000);
  EXPECT_EQ(Convert("items/fruit", 1, "wan-yuan")->base_unit(), "fen");
}

TEST_F(CatalogTest, ARepeatedCreateGetsTheFirstAnswerEvenAfterChanges) {
  const v1::CreateItemRequest request = ACreateItem("mask");
  const auto first = Create(request);
  ASSERT_TRUE(Declare(APack("items/mask", "box50", 50)).ok());

  const auto again = Create(request);

  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(Get("items/mask")->packs_size(), 1);
}

TEST_F(CatalogTest, ThereIsNoCatalogBeforeThereIsARoot) {
  server_ = StartEmpty(database_);
  server_->authenticator().Grant(kAdmin, "units/city", {"catalog.manage"});

  EXPECT_EQ(Outcome(Create(ACreateItem("mask"))), "PERMISSION_DENIED PERMISSION_DENIED");
}

}  // namespace
}  // namespace quartermaster::testing
