#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/service/service_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;
using Stub = v1::Catalog::Stub;

// May manage the catalog, but not for the whole tree.
constexpr char kEast[] = "persons/east";
// May read the catalog.
constexpr char kReader[] = "persons/reader";
// May do something, but nothing about items.
constexpr char kStranger[] = "persons/stranger";

class CatalogTest : public ServiceTest {
 protected:
  CatalogTest() {
    MakeTree();
    server_->authenticator().Grant(kEast, "units/east", {"catalog.manage", "catalog.read"});
    server_->authenticator().Grant(kReader, "units/station", {"catalog.read"});
    server_->authenticator().Grant(kStranger, "units/city", {"units.read"});
  }

  absl::StatusOr<v1::Item> Create(const v1::CreateItemRequest& request,
                                  const std::string& caller = kAdmin) {
    return server_->Call(&Stub::CreateItem, request, caller);
  }
  absl::StatusOr<v1::Item> Get(const std::string& name, const std::string& caller = kReader) {
    v1::GetItemRequest request;
    request.set_name(name);
    return server_->Call(&Stub::GetItem, request, caller);
  }
  v1::UpdateItemRequest AnUpdate(const std::string& name) {
    v1::UpdateItemRequest request;
    *request.mutable_item() = Get(name).value_or(v1::Item());
    request.set_request_id(NewRequestId());
    return request;
  }
  absl::StatusOr<v1::Item> Update(const v1::UpdateItemRequest& request,
                                  const std::string& caller = kAdmin) {
    return server_->Call(&Stub::UpdateItem, request, caller);
  }
  static v1::DeclarePackRequest APack(const std::string& item, const std::string& pack,
                                      int64_t amount, const std::string& unit = "") {
    v1::DeclarePackRequest request;
    request.set_item(item);
    request.mutable_pack()->set_pack(pack);
    request.mutable_pack()->mutable_content()->set_amount(amount);
    request.mutable_pack()->mutable_content()->set_unit(unit);
    request.set_request_id(NewRequestId());
    return request;
  }
  absl::StatusOr<v1::Item> Declare(const v1::DeclarePackRequest& request,
                                   const std::string& caller = kAdmin) {
    return server_->Call(&Stub::DeclarePack, request, caller);
  }
  absl::StatusOr<v1::ConvertQuantityResponse> Convert(const std::string& item, int64_t amount,
                                                      const std::string& unit,
                                                      const std::string& caller = kReader) {
    v1::ConvertQuantityRequest request;
    request.set_item(item);
    request.mutable_quantity()->set_amount(amount);
    request.mutable_quantity()->set_unit(unit);
    return server_->Call(&Stub::ConvertQuantity, request, caller);
  }
  static void AddUnit(v1::Item& item, const std::string& unit, int64_t numerator,
                      int64_t denominator = 0) {
    v1::ItemUnit& added = *item.add_units();
    added.set_unit(unit);
    added.set_numerator(numerator);
    added.set_denominator(denominator);
  }
};

TEST_F(CatalogTest, CreateFailsInTheDocumentedOrder) {
  const v1::CreateItemRequest earlier = ACreateItem("mask");
  ASSERT_TRUE(Create(earlier).ok());
  v1::CreateItemRequest request;

  EXPECT_EQ(Outcome(Create(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Create(request, kReader)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Create(request, kEast)), "INVALID_ARGUMENT INVALID_FIELD");
  request = ACreateItem("mask");
  request.set_request_id(earlier.request_id());
  request.mutable_item()->add_substitutes("items/ghost");
  AddUnit(*request.mutable_item(), "litre", 4, 5);
  EXPECT_EQ(Outcome(Create(request, kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
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

TEST_F(CatalogTest, GetFailsInTheDocumentedOrder) {
  EXPECT_EQ(Outcome(Get("mask", "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Get("mask", kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Get("mask")), "INVALID_ARGUMENT INVALID_FIELD");
  EXPECT_EQ(Outcome(Get("items/mask")), "NOT_FOUND ITEM_NOT_FOUND");
  MakeItem("mask");
  EXPECT_EQ(Outcome(Get("items/mask")), "OK");
}

TEST_F(CatalogTest, ListPagesToTheEndWithoutGapOrRepetition) {
  for (const char* id : {"c", "a", "e", "b", "d"}) MakeItem(id);
  std::vector<std::string> names;
  v1::ListItemsRequest request;
  request.set_page_size(2);
  do {
    const auto page = server_->Call(&Stub::ListItems, request, kReader);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Item& item : page->items()) names.push_back(item.name());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());

  EXPECT_THAT(names, ElementsAre("items/a", "items/b", "items/c", "items/d", "items/e"));
  request.set_page_token("x");
  request.set_page_size(-1);
  EXPECT_THAT(ViolatedFields(server_->Call(&Stub::ListItems, request, kReader)),
              UnorderedElementsAre("page_size", "page_token"));
}

TEST_F(CatalogTest, UpdateFailsInTheDocumentedOrder) {
  const v1::CreateItemRequest earlier = ACreateItem("mask");
  ASSERT_TRUE(Create(earlier).ok());
  v1::UpdateItemRequest request;

  EXPECT_EQ(Outcome(Update(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Update(request, kReader)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(Update(request, kEast)),
              UnorderedElementsAre("item.name", "item.title.zh", "item.base_unit", "item.etag",
                                   "request_id"));
  request = AnUpdate("items/mask");
  request.mutable_item()->set_name("items/ghost");
  request.mutable_item()->add_substitutes("items/other");
  request.mutable_item()->set_etag("v77");
  request.mutable_item()->set_base_unit("box");
  AddUnit(*request.mutable_item(), "gross", 1, 144);
  request.set_request_id(earlier.request_id());
  EXPECT_EQ(Outcome(Update(request, kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
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
  EXPECT_THAT(ViolatedFields(Declare(request, kEast)),
              UnorderedElementsAre("item", "pack.pack", "pack.content.amount", "request_id"));
  request = APack("items/ghost", "case", 20'000'000'000, "crate");
  request.set_request_id(earlier.request_id());
  EXPECT_EQ(Outcome(Declare(request, kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
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

TEST_F(CatalogTest, ConvertFailsInTheDocumentedOrder) {
  v1::CreateItemRequest create = ACreateItem("mask");
  AddUnit(*create.mutable_item(), "gross", 144);

  EXPECT_EQ(Outcome(Convert("mask", -1, "", "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Convert("mask", -1, "", kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(Convert("mask", -1, "只")),
              UnorderedElementsAre("item", "quantity.amount", "quantity.unit"));
  EXPECT_EQ(Outcome(Convert("items/mask", 1, "yuan")), "NOT_FOUND ITEM_NOT_FOUND");
  ASSERT_TRUE(Create(create).ok());
  EXPECT_EQ(Outcome(Convert("items/mask", 1, "yuan")),
            "FAILED_PRECONDITION UNIT_OF_MEASURE_UNKNOWN");
  EXPECT_EQ(Outcome(Convert("items/mask", INT64_MAX / 144 + 1, "gross")),
            "FAILED_PRECONDITION QUANTITY_OVERFLOW");
  EXPECT_EQ(Convert("items/mask", INT64_MAX / 144, "gross")->base_quantity(),
            INT64_MAX / 144 * 144);
  EXPECT_EQ(Convert("items/mask", INT64_MAX, "")->base_quantity(), INT64_MAX);
  EXPECT_EQ(Convert("items/mask", 0, "piece")->base_quantity(), 0);
}

TEST_F(CatalogTest, ThereIsNoCatalogBeforeThereIsARoot) {
  server_ = StartEmpty(database_);
  server_->authenticator().Grant(kAdmin, "units/city", {"catalog.manage"});

  EXPECT_EQ(Outcome(Create(ACreateItem("mask"))), "PERMISSION_DENIED PERMISSION_DENIED");
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
