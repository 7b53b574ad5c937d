// The directories while many threads ask and some refresh. ThreadSanitizer runs this file, which is
// why it is a program of its own.

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "inventory-svc/domain/item_directory.h"
#include "inventory-svc/domain/unit_directory.h"
#include "platform/base/clock.h"

namespace quartermaster::inventory {
namespace {

constexpr int kRounds = 200;
constexpr int kReaders = 3;

// Each version has one unit more, beneath the city, and a location in it.
class GrowingUnits final : public UnitSource {
 public:
  absl::StatusOr<UnitChanges> LoadUnitChanges(absl::Time, int64_t known_version) override {
    const int64_t version = version_.load();
    UnitChanges changes{.version = version, .is_complete = known_version < 0};
    for (int64_t i = std::max<int64_t>(known_version + 1, 0); i <= version; ++i) {
      const auto id = static_cast<int32_t>(i + 1);
      UnitNode unit{.id = UnitId(id), .name = absl::StrCat("units/u", i)};
      if (i > 0) unit.parent = UnitId(1);
      changes.units.push_back(unit);
      changes.locations.push_back({.id = LocationId(id),
                                   .unit = UnitId(id),
                                   .name = absl::StrCat("units/u", i, "/locations/a")});
    }
    return changes;
  }
  void Grow() { ++version_; }

 private:
  std::atomic<int64_t> version_ = 0;
};

// Goal: nobody sees half of a refresh. Method: a tree is looked at by several threads while two
// take in more and more of it; a unit that one of them saw is there at the next look, and so is the
// location that came with it.
TEST(UnitDirectoryThreadsTest, ReadersSeeWholeVersionsWhileOthersRefresh) {
  GrowingUnits source;
  const base::SystemClock clock;
  UnitDirectory directory(source, clock, absl::Minutes(1));
  ASSERT_TRUE(directory.Refresh(absl::InfiniteFuture()).ok());
  std::atomic<bool> is_over = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&] {
      int64_t seen = 0;
      while (!is_over) {
        while (directory.tree()->Find(absl::StrCat("units/u", seen + 1)).has_value()) ++seen;
        EXPECT_TRUE(directory.is_loaded());
        EXPECT_TRUE(directory.tree()->Find(absl::StrCat("units/u", seen)).has_value());
        EXPECT_NE(directory.FindLocation(absl::StrCat("units/u", seen, "/locations/a")), nullptr);
        EXPECT_EQ(directory.LocationsOf({UnitId(1)}).size(), 1u);
      }
    });
  }
  std::vector<std::thread> writers;
  for (int i = 0; i < 2; ++i) {
    writers.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        source.Grow();
        EXPECT_TRUE(directory.Refresh(absl::InfiniteFuture()).ok());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  is_over = true;
  for (std::thread& reader : readers) reader.join();

  EXPECT_TRUE(directory.tree()->Find(absl::StrCat("units/u", 2 * kRounds)).has_value());
}

// Items whose title says how often they were changed.
class ChangingItems final : public ItemSource {
 public:
  absl::StatusOr<std::vector<KnownItem>> LoadItems(absl::Time,
                                                   const std::vector<std::string>& names) override {
    std::vector<KnownItem> items;
    const int64_t version = version_.load();
    for (const std::string& name : names) {
      KnownItem known{.id = ItemId(name.back() - '0' + 1)};
      known.item.name = name;
      known.item.title.zh = absl::StrCat(version);
      items.push_back(std::move(known));
    }
    return items;
  }
  absl::StatusOr<std::vector<KnownItem>> LoadItems(absl::Time deadline,
                                                   const std::vector<ItemId>&) override {
    return LoadItems(deadline, std::vector<std::string>{});
  }
  absl::StatusOr<ItemChanges> LoadItemChanges(absl::Time, int64_t) override {
    return ItemChanges{.version = version_.load(), .is_everything = true};
  }
  int64_t Change() { return ++version_; }

 private:
  std::atomic<int64_t> version_ = 0;
};

// Goal: what was read before a change is not kept after it. Method: few places for many items, so
// that they come and go all the time; who changes and refreshes never sees an older one afterwards.
TEST(ItemDirectoryThreadsTest, KeepsNothingOlderThanARefresh) {
  ChangingItems source;
  ItemDirectory directory(source, 2);
  std::vector<std::thread> threads;
  for (int i = 0; i < kReaders; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < kRounds; ++round) {
        const std::string name = absl::StrCat("items/i", (i + round) % 4);
        const int64_t changed = source.Change();
        ASSERT_TRUE(directory.Refresh(absl::InfiniteFuture()).ok());
        const auto items = directory.GetItems(absl::InfiniteFuture(), {name});
        ASSERT_TRUE(items.ok()) << items.status();
        ASSERT_EQ((*items)[0]->item.name, name);
        EXPECT_GE(std::stoll((*items)[0]->item.title.zh), changed);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace quartermaster::inventory
