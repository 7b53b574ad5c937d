#include "inventory-svc/domain/item_directory.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "inventory-svc/domain/catalog_errors.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {

ItemDirectory::ItemDirectory(ItemSource& source, size_t size_max)
    : source_(source),
      size_max_(size_max),
      flight_(status::DeadlineExceeded("the items were being read for another call")) {}

absl::Status ItemDirectory::Refresh(absl::Time deadline) {
  return flight_.Fly(deadline, [&] {
    base::MutexLock refreshing(&refresh_mutex_);
    return Load(deadline);
  });
}

absl::Status ItemDirectory::Load(absl::Time deadline) {
  QM_ASSIGN_OR_RETURN(const ItemChanges changes, source_.LoadItemChanges(deadline, version_));
  if (changes.version == version_) return absl::OkStatus();
  version_ = changes.version;
  base::MutexLock lock(&mutex_);
  ++generation_;
  if (changes.is_everything) {
    by_name_.clear();
    by_id_.clear();
    uses_.clear();
  }
  for (const std::string& name : changes.names) Forget(name);
  return absl::OkStatus();
}

ItemDirectory::ItemPointer ItemDirectory::UseByName(absl::string_view name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  uses_.splice(uses_.begin(), uses_, found->second);
  return *found->second;
}

ItemDirectory::ItemPointer ItemDirectory::UseById(ItemId id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  uses_.splice(uses_.begin(), uses_, found->second);
  return *found->second;
}

void ItemDirectory::Forget(absl::string_view name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  const Uses::iterator use = found->second;
  by_name_.erase(found);
  by_id_.erase((*use)->id);
  uses_.erase(use);
}

void ItemDirectory::Keep(const ItemPointer& item, int64_t generation) {
  if (generation != generation_) return;
  Forget(item->item.name);
  uses_.push_front(item);
  by_name_[item->item.name] = uses_.begin();
  by_id_[item->id] = uses_.begin();
  while (uses_.size() > size_max_) Forget(std::string(uses_.back()->item.name));
}

absl::StatusOr<std::vector<ItemDirectory::ItemPointer>> ItemDirectory::GetItems(
    absl::Time deadline, const std::vector<std::string>& names) {
  absl::flat_hash_map<std::string, ItemPointer> found;
  std::vector<std::string> missing;
  int64_t generation;
  {
    base::MutexLock lock(&mutex_);
    generation = generation_;
    for (const std::string& name : names) {
      const auto [place, is_new] = found.try_emplace(name);
      if (!is_new) continue;
      place->second = UseByName(name);
      if (place->second == nullptr) missing.push_back(name);
    }
  }
  if (!missing.empty()) {
    QM_ASSIGN_OR_RETURN(std::vector<KnownItem> loaded, source_.LoadItems(deadline, missing));
    base::MutexLock lock(&mutex_);
    for (KnownItem& item : loaded) {
      const auto kept = std::make_shared<const KnownItem>(std::move(item));
      Keep(kept, generation);
      found[kept->item.name] = kept;
    }
  }
  std::vector<ItemPointer> items;
  items.reserve(names.size());
  for (const std::string& name : names) {
    items.push_back(found.at(name));
    if (items.back() == nullptr) return ItemNotFound(name);
  }
  return items;
}

absl::StatusOr<ItemDirectory::ItemPointer> ItemDirectory::GetItem(absl::Time deadline,
                                                                  absl::string_view name) {
  QM_ASSIGN_OR_RETURN(std::vector<ItemPointer> items, GetItems(deadline, {std::string(name)}));
  return std::move(items.front());
}

absl::StatusOr<std::vector<ItemDirectory::ItemPointer>> ItemDirectory::GetItemsById(
    absl::Time deadline, const std::vector<ItemId>& ids) {
  absl::flat_hash_map<ItemId, ItemPointer> found;
  std::vector<ItemId> missing;
  int64_t generation;
  {
    base::MutexLock lock(&mutex_);
    generation = generation_;
    for (const ItemId id : ids) {
      const auto [place, is_new] = found.try_emplace(id);
      if (!is_new) continue;
      place->second = UseById(id);
      if (place->second == nullptr) missing.push_back(id);
    }
  }
  if (!missing.empty()) {
    QM_ASSIGN_OR_RETURN(std::vector<KnownItem> loaded, source_.LoadItems(deadline, missing));
    base::MutexLock lock(&mutex_);
    for (KnownItem& item : loaded) {
      const auto kept = std::make_shared<const KnownItem>(std::move(item));
      Keep(kept, generation);
      found[kept->id] = kept;
    }
  }
  std::vector<ItemPointer> items;
  items.reserve(ids.size());
  for (const ItemId id : ids) {
    items.push_back(found.at(id));
    if (items.back() == nullptr) {
      return status::Internal(absl::StrCat("there is no item with the row number ", ToNumber(id)));
    }
  }
  return items;
}

}  // namespace quartermaster::inventory
