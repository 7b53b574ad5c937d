#include "inventory-svc/domain/item_catalog.h"

#include <utility>
#include <vector>

#include "inventory-svc/domain/catalog_errors.h"
#include "inventory-svc/domain/item_rules.h"
#include "inventory-svc/domain/item_units.h"
#include "inventory-svc/domain/scope.h"
#include "platform/base/status_macros.h"
#include "platform/document/write.h"
#include "platform/status/error.h"
#include "platform/values/canonical.h"

namespace quartermaster::inventory {
namespace {

using document::Change;
using document::Current;
using document::Versioned;

constexpr char kManage[] = "catalog.manage";

// Locks the catalog, then the item: the order in which every change takes them.
absl::StatusOr<Current<Item>> LockItem(ItemBook& book, const std::string& name) {
  QM_RETURN_IF_ERROR(book.LockCatalog());
  return document::Lock<Item>(book, name);
}

absl::Status CheckSubstitutes(ItemBook& book, const Item& item) {
  if (item.substitutes.empty()) return absl::OkStatus();
  QM_ASSIGN_OR_RETURN(const std::vector<std::string> missing, book.FindMissing(item.substitutes));
  return missing.empty() ? absl::OkStatus() : ItemNotFound(missing.front());
}

}  // namespace

absl::Status ItemCatalog::CheckMayManage(const base::Call& call) {
  if (units_.tree()->empty()) QM_RETURN_IF_ERROR(units_.LookAgain(call.deadline));
  return CheckCoversRoot(call.caller, kManage, clock_.Now(), *units_.tree());
}

absl::StatusOr<Versioned<Item>> ItemCatalog::CreateItem(const base::Call& call,
                                                        const CreateItemCommand& command) {
  QM_RETURN_IF_ERROR(CheckMayManage(call));
  const absl::StatusOr<Versioned<Item>> created = document::Write<Item, ItemBook>(
      store_, call.deadline,
      document::MakeRequest(call, command.request_id, canonical::Hash("create-item.1", command)),
      command.item.name, clock_.Now(),
      {.lock = [&](ItemBook& book) { return LockItem(book, command.item.name); },
       .authorize = document::AuthorizedByName<Item>,
       .decide = [&](ItemBook& book, const Current<Item>& current,
                     absl::Time record_time) -> absl::StatusOr<Change<Item>> {
         QM_RETURN_IF_ERROR(CheckSubstitutes(book, command.item));
         if (current.has_value()) return ItemExists(command.item.name);
         QM_RETURN_IF_ERROR(CheckConversions(command.item));
         Change<Item> change{.after = command.item};
         change.after.create_time = change.after.update_time = record_time;
         QM_RETURN_IF_ERROR(book.RecordItem(change.after, /*is_new=*/true));
         return change;
       }});
  if (created.ok()) ShowWritten(call.deadline);
  return created;
}

absl::StatusOr<Versioned<Item>> ItemCatalog::GetItem(const base::Call& call,
                                                     const std::string& name) {
  QM_ASSIGN_OR_RETURN(std::vector<Versioned<Item>> items, store_.FindItems(call.deadline, {name}));
  if (items.empty()) return ItemNotFound(name);
  return std::move(items.front());
}

absl::StatusOr<Page<Versioned<Item>>> ItemCatalog::ListItems(const base::Call& call,
                                                             const PageRequest& page) {
  return store_.ListItems(call.deadline, page);
}

absl::StatusOr<Versioned<Item>> ItemCatalog::UpdateItem(const base::Call& call,
                                                        const UpdateItemCommand& command) {
  QM_RETURN_IF_ERROR(CheckMayManage(call));
  const std::string& name = command.item.name;
  const absl::StatusOr<Versioned<Item>> updated = document::Write<Item, ItemBook>(
      store_, call.deadline,
      document::MakeRequest(call, command.request_id, canonical::Hash("update-item.1", command)),
      name, clock_.Now(),
      {.lock = [&](ItemBook& book) { return LockItem(book, name); },
       .authorize = document::AuthorizedByName<Item>,
       .decide = [&](ItemBook& book, const Current<Item>& current,
                     absl::Time record_time) -> absl::StatusOr<Change<Item>> {
         if (!current.has_value()) return ItemNotFound(name);
         QM_RETURN_IF_ERROR(CheckSubstitutes(book, command.item));
         QM_RETURN_IF_ERROR(document::CheckEtag(name, current->version, command.etag));
         Change<Item> change;
         QM_ASSIGN_OR_RETURN(change.after, Revise(current->body, command.item, record_time));
         QM_RETURN_IF_ERROR(book.RecordItem(change.after, /*is_new=*/false));
         return change;
       }});
  if (updated.ok()) ShowWritten(call.deadline);
  return updated;
}

absl::StatusOr<Versioned<Item>> ItemCatalog::DeclarePack(const base::Call& call,
                                                         const DeclarePackCommand& command) {
  QM_RETURN_IF_ERROR(CheckMayManage(call));
  const std::string& name = command.item;
  const absl::StatusOr<Versioned<Item>> declared = document::Write<Item, ItemBook>(
      store_, call.deadline,
      document::MakeRequest(call, command.request_id, canonical::Hash("declare-pack.1", command)),
      name, clock_.Now(),
      {.lock = [&](ItemBook& book) { return LockItem(book, name); },
       .authorize = document::AuthorizedByName<Item>,
       .decide = [&](ItemBook& book, const Current<Item>& current,
                     absl::Time record_time) -> absl::StatusOr<Change<Item>> {
         if (!current.has_value()) return ItemNotFound(name);
         Change<Item> change;
         QM_ASSIGN_OR_RETURN(change.after, WithPack(current->body, command.pack, record_time));
         QM_RETURN_IF_ERROR(book.RecordItem(change.after, /*is_new=*/false));
         return change;
       }});
  if (declared.ok()) ShowWritten(call.deadline);
  return declared;
}

absl::StatusOr<BaseQuantity> ItemCatalog::Convert(const base::Call& call, const std::string& name,
                                                  int64_t amount, const std::string& unit) {
  QM_ASSIGN_OR_RETURN(const Versioned<Item> item, GetItem(call, name));
  QM_ASSIGN_OR_RETURN(const int64_t base, ToBase(item.body, amount, unit));
  return BaseQuantity{base, item.body.base_unit};
}

}  // namespace quartermaster::inventory
