#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "inventory-svc/domain/item_catalog.h"
#include "inventory-svc/domain/ledger_types.h"
#include "inventory-svc/domain/page.h"
#include "quartermaster/inventory/v1/catalog.pb.h"

// Requests about items to commands, and answers back. Every rule of format is here and nowhere
// else.
namespace quartermaster::inventory {

// What `ConvertQuantity` asks.
struct ConvertQuery {
  std::string item;
  Quantity quantity;
};

// Each fails with INVALID_ARGUMENT and names every field that breaks its format.
absl::StatusOr<CreateItemCommand> ParseCreateItem(const v1::CreateItemRequest& request);
absl::StatusOr<std::string> ParseGetItem(const v1::GetItemRequest& request);
absl::StatusOr<PageRequest> ParseListItems(const v1::ListItemsRequest& request);
absl::StatusOr<UpdateItemCommand> ParseUpdateItem(const v1::UpdateItemRequest& request);
absl::StatusOr<DeclarePackCommand> ParseDeclarePack(const v1::DeclarePackRequest& request);
absl::StatusOr<ConvertQuery> ParseConvertQuantity(const v1::ConvertQuantityRequest& request);

void RenderItem(const document::Versioned<Item>& item, v1::Item& out);
void RenderItems(const Page<document::Versioned<Item>>& page, v1::ListItemsResponse& out);

}  // namespace quartermaster::inventory
