#include "tests/history/stock_items.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace quartermaster::testing {
namespace {

std::vector<std::string> AccountNames(const std::array<std::string, kPlaceCount>& locations) {
  std::vector<std::string> names;
  for (const char* state : {"", " quarantine", " in transit"}) {
    for (const std::string& location : locations) {
      // The last part says which.
      names.push_back(absl::StrCat(location.substr(location.rfind('/') + 1), state));
    }
  }
  for (int slot = 0; slot < kTransfersInHandMax; ++slot) {
    names.push_back(absl::StrCat("transfer-", slot, " on its way"));
    names.push_back(absl::StrCat("transfer-", slot, " short"));
    names.push_back(absl::StrCat("transfer-", slot, " closed"));
  }
  return names;
}

}  // namespace

StockItem::StockItem(const std::string& item, std::array<std::string, kPlaceCount> locations,
                     size_t operations_max)
    : locations_(std::move(locations)), recorder_(item, AccountNames(locations_), operations_max) {}

std::optional<int> StockItem::FindPlace(const std::string& location) const {
  const auto found = std::ranges::find(locations_, location);
  if (found == locations_.end()) return std::nullopt;
  return static_cast<int>(found - locations_.begin());
}

std::shared_ptr<SentTransfer> StockItem::BeginTransfer() {
  base::MutexLock lock(&mutex_);
  const auto free = std::ranges::find(slots_, false, &Slot::is_taken);
  if (free == slots_.end()) return nullptr;
  free->is_taken = true;
  const int slot = static_cast<int>(free - slots_.begin());
  return {new SentTransfer{.slot = slot, .closed_before = free->closed_count},
          [this, slot](SentTransfer* transfer) {
            delete transfer;
            FreeSlot(slot);
          }};
}

void StockItem::FreeSlot(int slot) {
  base::MutexLock lock(&mutex_);
  slots_[static_cast<size_t>(slot)].is_taken = false;
}

void StockItem::HandOver(std::shared_ptr<const WaitingTransfer> waiting) {
  base::MutexLock lock(&mutex_);
  waiting_.push_back(std::move(waiting));
}

std::shared_ptr<const WaitingTransfer> StockItem::FindWaiting(const std::string& caller) const {
  base::MutexLock lock(&mutex_);
  const auto found = std::ranges::find_if(waiting_, [&](const auto& waiting) {
    return std::ranges::count(waiting->barred, caller) == 0;
  });
  return found == waiting_.end() ? nullptr : *found;
}

void StockItem::TakeOut(const WaitingTransfer& waiting) {
  base::MutexLock lock(&mutex_);
  // The caller holds it, so no slot is freed here.
  std::erase_if(waiting_, [&](const auto& one) { return one.get() == &waiting; });
}

void StockItem::Close(const SentTransfer& transfer) {
  base::MutexLock lock(&mutex_);
  ++slots_[static_cast<size_t>(transfer.slot)].closed_count;
}

}  // namespace quartermaster::testing
