#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "inventory-svc/domain/item_directory.h"
#include "inventory-svc/domain/unit_directory.h"
#include "platform/base/mutex.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

using testing::SizeIs;

const absl::Time kDeadline = absl::InfiniteFuture();
constexpr absl::Duration kLookAgainAfter = absl::Milliseconds(20);

// A clock that stands still until it is moved.
class ManualClock final : public base::Clock {
 public:
  absl::Time Now() const override { return absl::UnixEpoch() + absl::Microseconds(micros_.load()); }
  void Advance(absl::Duration by) { micros_ += absl::ToInt64Microseconds(by); }

 private:
  std::atomic<int64_t> micros_ = 0;
};

// Units and locations that a test changes; counts how often it was asked.
class FakeUnitSource final : public UnitSource {
 public:
  absl::StatusOr<UnitChanges> LoadUnitChanges(absl::Time, int64_t known_version) override {
    ++asked_count;
    if (!error.ok()) return error;
    UnitChanges changes{.version = version};
    if (known_version == version) return changes;
    changes.is_complete = known_version < 0 || known_version > version;
    for (const auto& [changed, unit] : units) {
      if (changes.is_complete || changed > known_version) changes.units.push_back(unit);
    }
    for (const auto& [changed, location] : locations) {
      if (changes.is_complete || changed > known_version) changes.locations.push_back(location);
    }
    return changes;
  }
  void Add(int id, const std::string& name, std::optional<UnitId> parent) {
    units.push_back({++version, {.id = UnitId(id), .name = name, .parent = parent}});
  }
  void AddLocation(int id, int unit, const std::string& name) {
    locations.push_back({++version, {.id = LocationId(id), .unit = UnitId(unit), .name = name}});
  }

  int64_t version = 0;
  int asked_count = 0;
  absl::Status error;
  std::vector<std::pair<int64_t, UnitNode>> units;
  std::vector<std::pair<int64_t, LocationFacts>> locations;
};

class UnitDirectoryTest : public testing::Test {
 protected:
  UnitDirectoryTest() {
    source_.Add(1, "units/city", std::nullopt);
    source_.Add(2, "units/east", UnitId(1));
    source_.AddLocation(1, 2, "units/east/locations/a");
    EXPECT_TRUE(directory_.Refresh(kDeadline).ok());
    source_.asked_count = 0;
    clock_.Advance(kLookAgainAfter);
  }
  FakeUnitSource source_;
  ManualClock clock_;
  UnitDirectory directory_{source_, clock_, kLookAgainAfter};
};

TEST_F(UnitDirectoryTest, TakesInOnlyWhatChanged) {
  source_.Add(3, "units/west", UnitId(1));
  source_.units.push_back(
      {++source_.version, {.id = UnitId(2), .name = "units/east", .parent = UnitId(3)}});

  ASSERT_TRUE(directory_.Refresh(kDeadline).ok());

  EXPECT_TRUE(directory_.tree()->Covers("units/west", "units/east"));
  EXPECT_NE(directory_.FindLocation("units/east/locations/a"), nullptr);
}

TEST_F(UnitDirectoryTest, ATreeThatWasHandedOutStaysAsItWas) {
  const std::shared_ptr<const UnitTree> before = directory_.tree();
  source_.Add(3, "units/west", UnitId(1));

  ASSERT_TRUE(directory_.Refresh(kDeadline).ok());

  EXPECT_EQ(before->Find("units/west"), std::nullopt);
  EXPECT_EQ(directory_.tree()->Find("units/west"), UnitId(3));
}

TEST_F(UnitDirectoryTest, LooksAgainOnlyForWhatItDoesNotKnow) {
  EXPECT_TRUE(directory_.TreeWith(kDeadline, {"units/east", "units/city"}).ok());
  EXPECT_TRUE(directory_.GetLocation(kDeadline, "units/east/locations/a").ok());
  EXPECT_EQ(source_.asked_count, 0);
  source_.Add(3, "units/west", UnitId(1));
  source_.AddLocation(2, 3, "units/west/locations/b");

  EXPECT_TRUE((*directory_.TreeWith(kDeadline, {"units/west"}))->Find("units/west").has_value());
  EXPECT_EQ((*directory_.GetLocation(kDeadline, "units/west/locations/b"))->id, LocationId(2));
  EXPECT_EQ(source_.asked_count, 1);
  EXPECT_EQ(
      status::GetReason(directory_.GetLocation(kDeadline, "units/west/locations/ghost").status()),
      "LOCATION_NOT_FOUND");
}

// A source whose loads wait at a gate and then fail, as those of a database that is stalled do.
class StalledUnitSource final : public UnitSource {
 public:
  absl::StatusOr<UnitChanges> LoadUnitChanges(absl::Time, int64_t) override {
    ++asked_count;
    gate.WaitForNotification();
    return absl::UnavailableError("the database is gone");
  }

  std::atomic<int> asked_count = 0;
  base::Notification gate;
};

// Goal: a source that fails is not asked once more for each of those who waited for it.
TEST(StalledUnitDirectoryTest, OneFailedLookAnswersAllWhoWaitedForIt) {
  constexpr int kCallerCount = 8;
  StalledUnitSource source;
  const base::SystemClock clock;
  UnitDirectory directory(source, clock, kLookAgainAfter);
  std::atomic<int> begun_count = 0;
  std::atomic<int> failed_count = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallerCount; ++i) {
    callers.emplace_back([&] {
      ++begun_count;
      if (absl::IsUnavailable(directory.LookAgain(kDeadline))) ++failed_count;
    });
  }
  while (begun_count < kCallerCount || source.asked_count == 0) std::this_thread::yield();
  // Who has begun may not have come to wait yet, so that there may be a second load, never eight.
  absl::SleepFor(absl::Milliseconds(100));
  source.gate.Notify();
  for (std::thread& caller : callers) caller.join();

  EXPECT_EQ(failed_count, kCallerCount);
  EXPECT_LE(source.asked_count, 2);
}

TEST(StalledUnitDirectoryTest, NobodyWaitsForTheLookOfAnotherLongerThanTheyHaveTime) {
  StalledUnitSource source;
  const base::SystemClock clock;
  UnitDirectory directory(source, clock, kLookAgainAfter);
  std::thread first([&] { EXPECT_TRUE(absl::IsUnavailable(directory.LookAgain(kDeadline))); });
  while (source.asked_count == 0) std::this_thread::yield();
  base::Notification answered;
  std::thread second([&] {
    const absl::Status late = directory.LookAgain(absl::Now() + absl::Milliseconds(20));
    EXPECT_EQ(status::GetReason(late), "DEADLINE_EXCEEDED");
    const absl::Status refreshed = directory.Refresh(absl::Now() + absl::Milliseconds(20));
    EXPECT_EQ(status::GetReason(refreshed), "DEADLINE_EXCEEDED");
    answered.Notify();
  });

  EXPECT_TRUE(answered.WaitForNotificationWithTimeout(absl::Seconds(10)));
  source.gate.Notify();
  first.join();
  second.join();
}

// Goal: who asks for names that nobody has does not turn each into a read of the database.
// Method: many callers at once while the clock stands, then once more when the time is over.
TEST_F(UnitDirectoryTest, AFloodOfUnknownNamesAsksTheSourceOnce) {
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&, i] {
      for (int k = 0; k < 100; ++k) {
        const std::string unit = absl::StrCat("units/ghost-", i, "-", k);
        EXPECT_TRUE(directory_.TreeWith(kDeadline, {unit}).ok());
        EXPECT_FALSE(directory_.GetLocation(kDeadline, unit + "/locations/a").ok());
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(source_.asked_count, 1);
  source_.Add(3, "units/west", UnitId(1));
  EXPECT_FALSE((*directory_.TreeWith(kDeadline, {"units/west"}))->Find("units/west").has_value());

  clock_.Advance(kLookAgainAfter);

  EXPECT_TRUE((*directory_.TreeWith(kDeadline, {"units/west"}))->Find("units/west").has_value());
  EXPECT_EQ(source_.asked_count, 2);
  // A clock that was set back does not keep it from looking.
  clock_.Advance(-absl::Hours(1));
  EXPECT_TRUE(directory_.TreeWith(kDeadline, {"units/ghost"}).ok());
  EXPECT_EQ(source_.asked_count, 3);
}

// Goal: what could not be looked for is not said not to exist.
TEST_F(UnitDirectoryTest, AsksAgainAtOnceAfterASourceThatFailed) {
  source_.error = absl::UnavailableError("gone");
  EXPECT_FALSE(directory_.TreeWith(kDeadline, {"units/west"}).ok());
  EXPECT_FALSE(directory_.TreeWith(kDeadline, {"units/west"}).ok());

  source_.error = absl::OkStatus();
  source_.Add(3, "units/west", UnitId(1));

  EXPECT_TRUE((*directory_.TreeWith(kDeadline, {"units/west"}))->Find("units/west").has_value());
}

TEST_F(UnitDirectoryTest, KeepsWhatItKnowsWhenTheSourceFails) {
  source_.error = absl::UnavailableError("gone");

  EXPECT_FALSE(directory_.Refresh(kDeadline).ok());

  EXPECT_EQ(directory_.tree()->Find("units/east"), UnitId(2));
  EXPECT_TRUE(directory_.is_loaded());
}

TEST_F(UnitDirectoryTest, BeginsAnewWhenTheSourceWentBack) {
  FakeUnitSource restored;
  restored.Add(1, "units/city", std::nullopt);
  source_.version = 1;
  source_.units = restored.units;
  source_.locations.clear();

  ASSERT_TRUE(directory_.Refresh(kDeadline).ok());

  EXPECT_EQ(directory_.tree()->Find("units/east"), std::nullopt);
  EXPECT_EQ(directory_.FindLocation("units/east/locations/a"), nullptr);
  EXPECT_THAT(directory_.LocationsOf({UnitId(2)}), SizeIs(0));
}

TEST_F(UnitDirectoryTest, ListsTheLocationsOfUnits) {
  source_.AddLocation(2, 2, "units/east/locations/b");
  source_.AddLocation(3, 1, "units/city/locations/c");
  ASSERT_TRUE(directory_.Refresh(kDeadline).ok());

  EXPECT_THAT(directory_.LocationsOf({UnitId(2)}), SizeIs(2));
  EXPECT_THAT(directory_.LocationsOf({UnitId(2), UnitId(1)}), SizeIs(3));
}

TEST(EmptyUnitDirectoryTest, IsNotLoadedUntilItWasFilled) {
  FakeUnitSource source;
  const ManualClock clock;
  UnitDirectory directory(source, clock, kLookAgainAfter);
  EXPECT_FALSE(directory.is_loaded());

  ASSERT_TRUE(directory.Refresh(kDeadline).ok());

  EXPECT_TRUE(directory.is_loaded());
  EXPECT_TRUE(directory.tree()->empty());
}

// Items that a test changes; counts the items it was asked for.
class FakeItemSource final : public ItemSource {
 public:
  absl::StatusOr<std::vector<KnownItem>> LoadItems(absl::Time,
                                                   const std::vector<std::string>& names) override {
    std::vector<KnownItem> found;
    for (const std::string& name : names) {
      ++loaded_count;
      if (const auto item = items.find(name); item != items.end()) found.push_back(item->second);
    }
    if (after_load) after_load();
    return found;
  }
  absl::StatusOr<std::vector<KnownItem>> LoadItems(absl::Time,
                                                   const std::vector<ItemId>& ids) override {
    std::vector<KnownItem> found;
    for (const ItemId id : ids) {
      ++loaded_count;
      for (const auto& [name, item] : items) {
        if (item.id == id) found.push_back(item);
      }
    }
    return found;
  }
  absl::StatusOr<ItemChanges> LoadItemChanges(absl::Time, int64_t known_version) override {
    ItemChanges found{.version = version, .is_everything = known_version < 0};
    if (known_version < version) found.names = changed;
    return found;
  }
  void Put(int id, const std::string& name, const std::string& zh) {
    items[name] = {.id = ItemId(id), .item = {.name = name, .title = {.zh = zh}}};
    changed = {name};
    ++version;
  }

  int64_t version = 0;
  int loaded_count = 0;
  std::map<std::string, KnownItem> items;
  std::vector<std::string> changed;
  std::function<void()> after_load;
};

class ItemDirectoryTest : public testing::Test {
 protected:
  ItemDirectoryTest() {
    for (int i = 1; i <= 5; ++i) source_.Put(i, absl::StrCat("items/i", i), "旧");
    EXPECT_TRUE(directory_.Refresh(kDeadline).ok());
  }
  FakeItemSource source_;
  ItemDirectory directory_{source_, 3};
};

TEST_F(ItemDirectoryTest, ReadsEachItemOnce) {
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ((*directory_.GetItem(kDeadline, "items/i1"))->id, ItemId(1));
    EXPECT_EQ(directory_.GetItemsById(kDeadline, {ItemId(1)})->front()->item.name, "items/i1");
  }
  EXPECT_EQ(source_.loaded_count, 1);
}

TEST_F(ItemDirectoryTest, AnswersInTheOrderAskedAndAsksOnceForAnItemNamedTwice) {
  const auto items = directory_.GetItems(kDeadline, {"items/i2", "items/i1", "items/i2"});

  ASSERT_TRUE(items.ok()) << items.status();
  ASSERT_THAT(*items, SizeIs(3));
  EXPECT_EQ((*items)[0]->id, ItemId(2));
  EXPECT_EQ((*items)[1]->id, ItemId(1));
  EXPECT_EQ((*items)[2]->id, ItemId(2));
  EXPECT_EQ(source_.loaded_count, 2);
}

TEST_F(ItemDirectoryTest, NamesTheFirstItemThatDoesNotExist) {
  const auto items = directory_.GetItems(kDeadline, {"items/i1", "items/x", "items/y"});

  EXPECT_EQ(status::GetReason(items.status()), "ITEM_NOT_FOUND");
  EXPECT_THAT(status::GetErrorDetail(items.status()).metadata,
              testing::Contains(testing::Pair("item", "items/x")));
  EXPECT_EQ(directory_.GetItemsById(kDeadline, {ItemId(77)}).status().code(),
            absl::StatusCode::kInternal);
}

TEST_F(ItemDirectoryTest, ForgetsTheOneNotUsedForLongest) {
  for (const char* name : {"items/i1", "items/i2", "items/i3", "items/i1", "items/i4"}) {
    ASSERT_TRUE(directory_.GetItem(kDeadline, name).ok());
  }
  source_.loaded_count = 0;

  for (const char* name : {"items/i1", "items/i3", "items/i4"}) {
    ASSERT_TRUE(directory_.GetItem(kDeadline, name).ok());
  }
  EXPECT_EQ(source_.loaded_count, 0);
  ASSERT_TRUE(directory_.GetItem(kDeadline, "items/i2").ok());
  EXPECT_EQ(source_.loaded_count, 1);
}

TEST_F(ItemDirectoryTest, ForgetsWhatChanged) {
  ASSERT_TRUE(directory_.GetItem(kDeadline, "items/i1").ok());
  source_.Put(1, "items/i1", "新");
  EXPECT_EQ((*directory_.GetItem(kDeadline, "items/i1"))->item.title.zh, "旧");

  ASSERT_TRUE(directory_.Refresh(kDeadline).ok());

  EXPECT_EQ((*directory_.GetItem(kDeadline, "items/i1"))->item.title.zh, "新");
}

// Goal: a copy that was read before a change is not kept after the change was heard of.
// Method: the change, and the news of it, come while the read is on its way back.
TEST_F(ItemDirectoryTest, DoesNotKeepACopyThatWasReadBeforeAChange) {
  source_.after_load = [&] {
    source_.after_load = nullptr;
    source_.Put(1, "items/i1", "新");
    ASSERT_TRUE(directory_.Refresh(kDeadline).ok());
  };
  EXPECT_EQ((*directory_.GetItem(kDeadline, "items/i1"))->item.title.zh, "旧");

  EXPECT_EQ((*directory_.GetItem(kDeadline, "items/i1"))->item.title.zh, "新");
}

}  // namespace
}  // namespace quartermaster::inventory
