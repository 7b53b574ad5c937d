#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "platform/base/mutex.h"
#include "tests/history/item_history.h"

namespace quartermaster::testing {

// The two places where an item lies.
inline constexpr int kPlaceCount = 2;
// Transfers of one item that clerks may have in hand at once.
inline constexpr int kTransfersInHandMax = 12;

// What an item's history is made of, as places in `ItemHistory::accounts`. The books tell the first
// six: what is available and what is in quarantine at each place, and what is on the road to it.
inline constexpr size_t kBookAccountCount = 3 * kPlaceCount;
inline int Available(int place) { return place; }
inline int Quarantine(int place) { return kPlaceCount + place; }
inline int OnTheRoadTo(int place) { return 2 * kPlaceCount + place; }
// A transfer tells of itself where it stands: one stands for it on its way, then for its variance
// if something is short, and is then counted as closed. That makes a second receipt of the same
// goods impossible, and a second account of what became of the rest.
inline constexpr int kAccountsOfTransfer = 3;
inline int OnItsWay(int slot) {
  return static_cast<int>(kBookAccountCount) + kAccountsOfTransfer * slot;
}
inline int Short(int slot) { return OnItsWay(slot) + 1; }
inline int Closed(int slot) { return OnItsWay(slot) + 2; }

// A transfer of an item. Immutable once it was dispatched.
struct SentTransfer {
  // Nobody else's while anybody holds this.
  int slot = 0;
  // How many transfers of this slot had closed before.
  int64_t closed_before = 0;
  std::string name;
  int source = 0;
  int destination = 0;
  int64_t quantity = 0;
};

// A transfer whose next step waits for somebody.
struct WaitingTransfer {
  std::shared_ptr<const SentTransfer> transfer;
  std::string etag;
  // Callers who took a step before, and may not take this one.
  std::vector<std::string> barred;
  // If it waits for what became of the rest, what was told on arrival.
  bool has_arrived = false;
  int64_t damaged = 0;
  int64_t short_quantity = 0;
};

// An item that clerks make history of: its one lot, `<item>/lots/a`, lies at two locations, and is
// sent from one to the other.
//
// Thread-safe. Must outlive the transfers that it handed out.
class StockItem {
 public:
  StockItem(const std::string& item, std::array<std::string, kPlaceCount> locations,
            size_t operations_max);

  const std::string& name() const { return recorder_.item(); }
  std::string lot() const { return name() + "/lots/a"; }
  const std::string& location(int place) const { return locations_[static_cast<size_t>(place)]; }
  // Returns the place that the location is; nothing if it is neither.
  std::optional<int> FindPlace(const std::string& location) const;
  HistoryRecorder& recorder() { return recorder_; }

  // Returns a transfer with a slot of its own until nobody holds it any more; null if too many are
  // in hand. Whoever lets go of it last must know that nothing is asked of it any more.
  std::shared_ptr<SentTransfer> BeginTransfer();
  // Lets others take a transfer's next step.
  void HandOver(std::shared_ptr<const WaitingTransfer> waiting);
  // Returns the first of those handed over whose next step `caller` may take; null if there is
  // none. Others may ask for it too.
  std::shared_ptr<const WaitingTransfer> FindWaiting(const std::string& caller) const;
  // Takes it from those that wait, since the step was taken. Called again, it does nothing.
  void TakeOut(const WaitingTransfer& waiting);
  // Takes notice that it has closed: told once, by the one whose step was acknowledged.
  void Close(const SentTransfer& transfer);

 private:
  struct Slot {
    bool is_taken = false;
    int64_t closed_count = 0;
  };

  void FreeSlot(int slot);

  const std::array<std::string, kPlaceCount> locations_;
  HistoryRecorder recorder_;
  mutable base::Mutex mutex_;
  std::array<Slot, kTransfersInHandMax> slots_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<const WaitingTransfer>> waiting_ ABSL_GUARDED_BY(mutex_);
};

// What clerks make their history of.
struct StockItems {
  // So many are in use at once, the first that are not full: few enough that clerks meet.
  size_t in_use_max = 3;
  std::vector<std::unique_ptr<StockItem>> items;
};

}  // namespace quartermaster::testing
