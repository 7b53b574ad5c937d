// Catalog.UpdateItem and DeclarePack.

#include "absl/strings/str_cat.h"
#include "tests/service/catalog_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::UnorderedElementsAre;

TEST_F(CatalogTest, UpdateFailsInTheDocumentedOrder) {
  const v1::CreateItemRequest earlier = ACreateItem("mask");
  ASSERT_TRUE(Create(earlier).ok());
  v1::UpdateItemRequest request;

  EXPECT_EQ(Outcome(Update(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Update(request, kReader)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(Update(request, kEastManager)),
              UnorderedElementsAre("item.name", "item.title.zh", "item.base_unit", "item.etag",
                                   "request_id"));
  request = AnUpdate("items/mask");
  request.mutable_item()->set_name("items/ghost");
  request.mutable_item()->add_substitutes("items/other");
  request.mutable_item()->set_etag("v77");
  request.mutable_item()->set_base_unit("box");
  AddUnit(*request.mutable_item(), "gross", 1, 144);
  request.set_request_id(earlier.request_id());
  EXPECT_EQ(Outcome(Update(request, kEastManager)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Update(request)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.set_request_id(NewRequestId());
  EXPECT_EQ(Metadata(Update(request), "item"), "items/ghost");
  request.mutable_item()->set_name("items/mask");
  EXPECT_EQ(Metadata(Update(request), "item"), "items/other");
  EXPECT_EQ(Outcome(Update(request)), "NOT_FOUND ITEM_NOT_FOUND");
  MakeItem("other");
  EXPECT_EQ(Outcome(Update(request)), "ABORTED ETAG_MISMATCH");
  request.mutable_item()->set_etag(Get("items/mask")->etag());
  const auto fixed = Update(request);
  EXPECT_EQ(Outcome(fixed), "FAILED_PRECONDITION ITEM_FACT_FIXED");
  EXPECT_EQ(Metadata(fixed, "fact"), "base_unit");
  request.mutable_item()->set_base_unit("piece");
  EXPECT_EQ(Outcome(Update(request)), "FAILED_PRECONDITION CONVERSION_NOT_EXACT");
  request.mutable_item()->mutable_units(0)->set_numerator(144);
  request.mutable_item()->mutable_units(0)->set_denominator(1);
  EXPECT_EQ(Outcome(Update(request)), "OK");
}

// Goal: what postings rest on stays, whichever way somebody tries to change it.
TEST_F(CatalogTest, WhatPostingsRestOnNeverChanges) {
  v1::CreateItemRequest create = ACreateItem("gloves");
  AddUnit(*create.mutable_item(), "pair", 2);
  ASSERT_TRUE(Create(create).ok());
  ASSERT_TRUE(Declare(APack("items/gloves", "box", 100)).ok());
  struct Case {
    const char* fact;
    void (*change)(v1::Item&);
  };
  const Case cases[] = {
      {"is_expiring", [](v1::Item& item) { item.set_is_expiring(true); }},
      {"is_durable", [](v1::Item& item) { item.set_is_durable(true); }},
      {"units.pair", [](v1::Item& item) { item.clear_units(); }},
      {"units.pair", [](v1::Item& item) { item.mutable_units(0)->set_numerator(4); }},
      {"packs.box", [](v1::Item& item) { AddUnit(item, "box", 50); }},
  };
  for (const Case& changed : cases) {
    v1::UpdateItemRequest request = AnUpdate("items/gloves");
    changed.change(*request.mutable_item());

    const auto refused = Update(request);

    EXPECT_EQ(Outcome(refused), "FAILED_PRECONDITION ITEM_FACT_FIXED") << changed.fact;
    EXPECT_EQ(Metadata(refused, "fact"), changed.fact);
  }
}

TEST_F(CatalogTest, UpdateChangesTheRestAndKeepsThePacks) {
  MakeItem("gloves");
  ASSERT_TRUE(Declare(APack("items/gloves", "box", 100)).ok());
  v1::UpdateItemRequest request = AnUpdate("items/gloves");
  request.mutable_item()->mutable_title()->set_zh("乳胶手套");
  request.mutable_item()->set_category_code("7654321");
  request.mutable_item()->set_hazard(v1::FLAMMABLE);
  request.mutable_item()->clear_packs();
  AddUnit(*request.mutable_item(), "dozen", 12);

  const auto updated = Update(request);

  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->title().zh(), "乳胶手套");
  EXPECT_EQ(updated->hazard(), v1::FLAMMABLE);
  EXPECT_EQ(updated->packs_size(), 1);
  EXPECT_EQ(Convert("items/gloves", 2, "dozen")->base_quantity(), 24);
  EXPECT_EQ(Convert("items/gloves", 2, "box")->base_quantity(), 200);
}

TEST_F(CatalogTest, DeclarePackFailsInTheDocumentedOrder) {
  v1::CreateItemRequest earlier = ACreateItem("mask");
  AddUnit(*earlier.mutable_item(), "case", 1'000'000'000);
  ASSERT_TRUE(Create(earlier).ok());
  v1::DeclarePackRequest request;

  EXPECT_EQ(Outcome(Declare(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Declare(request, kReader)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(Declare(request, kEastManager)),
              UnorderedElementsAre("item", "pack.pack", "pack.content.amount", "request_id"));
  request = APack("items/ghost", "case", 20'000'000'000, "crate");
  request.set_request_id(earlier.request_id());
  EXPECT_EQ(Outcome(Declare(request, kEastManager)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Declare(request)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.set_request_id(NewRequestId());
  EXPECT_EQ(Outcome(Declare(request)), "NOT_FOUND ITEM_NOT_FOUND");
  request.set_item("items/mask");
  const auto unknown = Declare(request);
  EXPECT_EQ(Outcome(unknown), "FAILED_PRECONDITION UNIT_OF_MEASURE_UNKNOWN");
  EXPECT_EQ(Metadata(unknown, "unit"), "crate");
  request.mutable_pack()->mutable_content()->set_unit("case");
  EXPECT_EQ(Outcome(Declare(request)), "FAILED_PRECONDITION QUANTITY_OVERFLOW");
  request.mutable_pack()->mutable_content()->set_amount(2);
  const auto taken = Declare(request);
  EXPECT_EQ(Outcome(taken), "ALREADY_EXISTS PACK_NAME_TAKEN");
  EXPECT_EQ(Metadata(taken, "pack"), "case");
  request.mutable_pack()->set_pack("pallet");
  const auto declared = Declare(request);
  ASSERT_EQ(Outcome(declared), "OK");
  EXPECT_EQ(declared->packs(0).base_quantity(), 2'000'000'000);
}

TEST_F(CatalogTest, APackGetsVersionsAndTheNewestCounts) {
  MakeItem("mask");
  ASSERT_TRUE(Declare(APack("items/mask", "box", 50)).ok());
  ASSERT_TRUE(Declare(APack("items/mask", "bag", 10)).ok());

  const auto item = Declare(APack("items/mask", "box", 40));

  ASSERT_TRUE(item.ok()) << item.status();
  ASSERT_EQ(item->packs_size(), 2);
  EXPECT_EQ(item->packs(0).pack(), "box");
  EXPECT_EQ(item->packs(0).version(), 2);
  EXPECT_EQ(item->packs(0).base_quantity(), 40);
  EXPECT_EQ(item->packs(1).version(), 1);
  EXPECT_EQ(Convert("items/mask", 3, "box")->base_quantity(), 120);
}

TEST_F(CatalogTest, AnItemHasABoundedNumberOfPacks) {
  MakeItem("mask");
  for (int i = 0; i < 256; ++i) {
    ASSERT_EQ(Outcome(Declare(APack("items/mask", absl::StrCat("box", i), i + 1))), "OK");
  }

  const auto refused = Declare(APack("items/mask", "box256", 1));

  EXPECT_EQ(Outcome(refused), "FAILED_PRECONDITION PACK_LIMIT_REACHED");
  EXPECT_EQ(Metadata(refused, "limit"), "256");
  EXPECT_EQ(Outcome(Declare(APack("items/mask", "box7", 9))), "OK");
}

TEST_F(CatalogTest, APackHoldsUnitsAndNotPacks) {
  MakeItem("mask");
  ASSERT_TRUE(Declare(APack("items/mask", "box", 50)).ok());

  EXPECT_EQ(Outcome(Declare(APack("items/mask", "case", 20, "box"))),
            "FAILED_PRECONDITION UNIT_OF_MEASURE_UNKNOWN");
}

TEST_F(CatalogTest, EveryWriteLeavesOneRecord) {
  const int64_t before = Count("records");
  MakeItem("mask");
  ASSERT_TRUE(Declare(APack("items/mask", "box", 50)).ok());
  ASSERT_TRUE(Update(AnUpdate("items/mask")).ok());
  EXPECT_EQ(Outcome(Create(ACreateItem("mask"))), "ALREADY_EXISTS ITEM_EXISTS");

  EXPECT_EQ(Count("records"), before + 3);
  EXPECT_EQ(Count("requests"), Count("records"));
  EXPECT_EQ(Count("document_versions"), Count("records"));
}

}  // namespace
}  // namespace quartermaster::testing
