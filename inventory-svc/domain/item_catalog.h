#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "inventory-svc/domain/catalog.h"
#include "inventory-svc/domain/item_directory.h"
#include "inventory-svc/domain/item_store.h"
#include "inventory-svc/domain/page.h"
#include "inventory-svc/domain/unit_directory.h"
#include "platform/base/call.h"
#include "platform/base/clock.h"
#include "platform/base/uuid.h"

namespace quartermaster::inventory {

// Creates `item`, whose packs and times are left out.
struct CreateItemCommand {
  Item item;
  base::Uuid request_id;
};
// Makes an item what `item` says, but for its packs and times.
struct UpdateItemCommand {
  Item item;
  std::string etag;
  base::Uuid request_id;
};
// Declares `pack`, whose version and base quantity are left out.
struct DeclarePackCommand {
  std::string item;
  Pack pack;
  base::Uuid request_id;
};

// A quantity in base units.
struct BaseQuantity {
  int64_t amount = 0;
  std::string base_unit;
};

// The use cases of the catalog; errors and their order as documented at `Catalog`. Knows neither
// SQL nor proto. Thread-safe; what it is given must outlive it.
class ItemCatalog {
 public:
  ItemCatalog(ItemStore& store, ItemDirectory& items, UnitDirectory& units,
              const base::Clock& clock)
      : store_(store), items_(items), units_(units), clock_(clock) {}

  absl::StatusOr<document::Versioned<Item>> CreateItem(const base::Call& call,
                                                       const CreateItemCommand& command);
  absl::StatusOr<document::Versioned<Item>> GetItem(const base::Call& call,
                                                    const std::string& name);
  absl::StatusOr<Page<document::Versioned<Item>>> ListItems(const base::Call& call,
                                                            const PageRequest& page);
  absl::StatusOr<document::Versioned<Item>> UpdateItem(const base::Call& call,
                                                       const UpdateItemCommand& command);
  absl::StatusOr<document::Versioned<Item>> DeclarePack(const base::Call& call,
                                                        const DeclarePackCommand& command);
  // Says how many base units `amount` of `unit` of the item is.
  absl::StatusOr<BaseQuantity> Convert(const base::Call& call, const std::string& name,
                                       int64_t amount, const std::string& unit);

 private:
  absl::Status CheckMayManage(const base::Call& call);
  // Shows this process what it wrote. Failing is no reason to call a committed write failed: the
  // next poll shows it.
  void ShowWritten(absl::Time deadline) { items_.Refresh(deadline).IgnoreError(); }

  ItemStore& store_;
  ItemDirectory& items_;
  UnitDirectory& units_;
  const base::Clock& clock_;
};

template <typename V>
void VisitFields(V& visit, CreateItemCommand& command) {
  visit(command.item);
}
template <typename V>
void VisitFields(V& visit, UpdateItemCommand& command) {
  visit(command.item, command.etag);
}
template <typename V>
void VisitFields(V& visit, DeclarePackCommand& command) {
  visit(command.item, command.pack);
}

}  // namespace quartermaster::inventory
