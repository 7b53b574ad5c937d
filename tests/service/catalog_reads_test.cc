// Catalog.GetItem, ListItems and ConvertQuantity.

#include "tests/service/catalog_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST_F(CatalogTest, GetFailsInTheDocumentedOrder) {
  EXPECT_EQ(Outcome(Get("mask", "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Get("mask", kOutsider)), "PERMISSION_DENIED PERMISSION_DENIED");
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
    const auto page = server_->Call(&CatalogStub::ListItems, request, kReader);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Item& item : page->items()) names.push_back(item.name());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());

  EXPECT_THAT(names, ElementsAre("items/a", "items/b", "items/c", "items/d", "items/e"));
  request.set_page_token("x");
  request.set_page_size(-1);
  EXPECT_THAT(ViolatedFields(server_->Call(&CatalogStub::ListItems, request, kReader)),
              UnorderedElementsAre("page_size", "page_token"));
}

TEST_F(CatalogTest, ConvertFailsInTheDocumentedOrder) {
  v1::CreateItemRequest create = ACreateItem("mask");
  AddUnit(*create.mutable_item(), "gross", 144);

  EXPECT_EQ(Outcome(Convert("mask", -1, "", "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Convert("mask", -1, "", kOutsider)), "PERMISSION_DENIED PERMISSION_DENIED");
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

}  // namespace
}  // namespace quartermaster::testing
