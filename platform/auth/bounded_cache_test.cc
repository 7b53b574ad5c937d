#include "platform/auth/bounded_cache.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

namespace quartermaster::auth {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);
const absl::Time kLater = kNow + absl::Minutes(1);

base::Sha256Digest Key(int number) { return base::Sha256(absl::StrCat(number)); }

TEST(BoundedCacheTest, ForgetsWhatHasExpired) {
  BoundedCache<std::string> cache(4);
  cache.Insert(Key(1), "one", kLater);

  EXPECT_EQ(cache.Find(Key(1), kLater - absl::Nanoseconds(1)), "one");
  EXPECT_EQ(cache.Find(Key(2), kNow), std::nullopt);
  EXPECT_EQ(cache.Find(Key(1), kLater), std::nullopt);
  EXPECT_EQ(cache.size(), 0u);
}

TEST(BoundedCacheTest, MakesRoomByWhatWasAskedForLeastRecently) {
  BoundedCache<int> cache(3);
  for (int i = 1; i <= 3; ++i) cache.Insert(Key(i), i, kLater);
  EXPECT_EQ(cache.Find(Key(1), kNow), 1);

  cache.Insert(Key(4), 4, kLater);

  EXPECT_EQ(cache.size(), 3u);
  EXPECT_EQ(cache.Find(Key(2), kNow), std::nullopt);
  EXPECT_EQ(cache.Find(Key(1), kNow), 1);
  EXPECT_EQ(cache.Find(Key(3), kNow), 3);
  EXPECT_EQ(cache.Find(Key(4), kNow), 4);
}

TEST(BoundedCacheTest, NeverGrowsBeyondItsBound) {
  BoundedCache<int> cache(8);

  for (int i = 0; i < 1000; ++i) {
    cache.Insert(Key(i), i, kLater);
    ASSERT_LE(cache.size(), 8u);
  }

  EXPECT_EQ(cache.size(), 8u);
}

TEST(BoundedCacheTest, ReplacesWithoutPushingOthersOut) {
  BoundedCache<int> cache(2);
  cache.Insert(Key(1), 1, kLater);
  cache.Insert(Key(2), 2, kLater);

  cache.Insert(Key(2), 22, kLater);

  EXPECT_EQ(cache.Find(Key(1), kNow), 1);
  EXPECT_EQ(cache.Find(Key(2), kNow), 22);
}

// Goal: threads share it without harm (the thread sanitizer watches) and its bound holds.
TEST(BoundedCacheTest, IsSafeToShare) {
  BoundedCache<int> cache(16);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      for (int i = 0; i < 500; ++i) {
        const int number = (i * 7 + t) % 40;
        const std::optional<int> found = cache.Find(Key(number), kNow);
        EXPECT_EQ(found.value_or(number), number);
        cache.Insert(Key(number), number, kLater);
      }
    });
  }
  threads.clear();

  EXPECT_EQ(cache.size(), 16u);
}

}  // namespace
}  // namespace quartermaster::auth
