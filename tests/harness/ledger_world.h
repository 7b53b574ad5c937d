#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/item_directory.h"
#include "inventory-svc/domain/ledger_types.h"
#include "inventory-svc/domain/stock_store.h"
#include "inventory-svc/domain/unit_directory.h"
#include "platform/base/call.h"
#include "platform/base/clock.h"
#include "platform/base/mutex.h"
#include "platform/base/uuid.h"

namespace quartermaster::inventory {

// The places and goods that tests of the ledger use, with the row numbers they have in every store.
inline constexpr char kDepot[] = "units/east/locations/depot";
inline constexpr char kShelf[] = "units/east/locations/shelf";
inline constexpr char kCabinet[] = "units/east/locations/cabinet";  // for flammables
inline constexpr char kRoom[] = "units/west/locations/room";
inline constexpr LocationId kDepotId{1};
inline constexpr LocationId kShelfId{2};
inline constexpr LocationId kCabinetId{3};
inline constexpr LocationId kRoomId{4};

// Masks are counted in pieces, ten to a box, and do not expire.
inline constexpr char kMasks[] = "items/n95-mask/lots/m1";
inline constexpr char kOtherMasks[] = "items/n95-mask/lots/m2";
// Alcohol is kept in grams and burns.
inline constexpr char kAlcohol[] = "items/alcohol/lots/a1";
inline constexpr LotId kMasksId{1};
inline constexpr LotId kOtherMasksId{2};
inline constexpr LotId kAlcoholId{3};

// A city with two units, four locations, two items and three lots. Knows all of it by heart; a
// store is filled with the same rows, by `lots()` in memory and by `SeedStatements()` in a
// database.
class LedgerWorld final : public UnitSource, public ItemSource {
 public:
  LedgerWorld();

  UnitDirectory& units() { return units_; }
  ItemDirectory& items() { return items_; }
  const std::vector<LotRow>& lots() const { return lots_; }

  // SQL that makes the same world in an empty database, for the ledger's tables to refer to.
  static std::vector<std::string> SeedStatements();

  absl::StatusOr<UnitChanges> LoadUnitChanges(absl::Time deadline, int64_t known_version) override;
  absl::StatusOr<std::vector<KnownItem>> LoadItems(absl::Time deadline,
                                                   const std::vector<std::string>& names) override;
  absl::StatusOr<std::vector<KnownItem>> LoadItems(absl::Time deadline,
                                                   const std::vector<ItemId>& ids) override;
  absl::StatusOr<ItemChanges> LoadItemChanges(absl::Time deadline, int64_t known_version) override;

 private:
  std::vector<KnownItem> known_items_;
  std::vector<LotRow> lots_;
  const base::SystemClock clock_;
  UnitDirectory units_{*this, clock_, absl::ZeroDuration()};
  ItemDirectory items_{*this, 100};
};

// A clock that stands still until it is moved. Thread-safe.
class ManualClock final : public base::Clock {
 public:
  absl::Time Now() const override { return absl::FromUnixMicros(micros_); }
  void Advance(absl::Duration by) { micros_ += absl::ToInt64Microseconds(by); }

 private:
  // 2020-01-26 08:00 in Wuhan.
  std::atomic<int64_t> micros_ = 1'579'996'800'000'000;
};

// Makes 00000000-0000-7000-8000-000000000001 and so on: the same in every run. Thread-safe.
class CountingUuids final : public base::UuidSource {
 public:
  explicit CountingUuids(const base::Clock& clock, uint64_t first = 1)
      : base::UuidSource(clock), next_(first) {}
  base::Uuid Next() override;

 private:
  std::atomic<uint64_t> next_;
};

// Makes the request id that a test calls by a number.
base::Uuid RequestId(uint64_t number);

// Makes a call of `persons/{name}` who may do everything in the whole world, with time enough.
base::Call CallBy(absl::string_view name = "clerk");

// One line at one location.
MovementLine ALine(absl::string_view lot, absl::string_view location, State source,
                   State destination, int64_t amount);

// Postings as tests tell them: masks at the depot unless said otherwise.
PostMovementCommand AReceipt(int64_t amount, uint64_t request, absl::string_view location = kDepot,
                             absl::string_view lot = kMasks);
PostMovementCommand AConsumption(int64_t amount, uint64_t request,
                                 absl::string_view location = kDepot,
                                 absl::string_view lot = kMasks);

// The account of a lot at a location that is held for nobody.
BalanceKey KeyOf(LocationId location, State state, LotId lot = kMasksId);

}  // namespace quartermaster::inventory
