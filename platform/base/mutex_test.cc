#include "platform/base/mutex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace quartermaster::base {
namespace {

// Goal: ThreadSanitizer takes what the lock guards for guarded, and would not if it did not.
// Method: threads count in a plain integer. Under the preset `tsan` a lock that the sanitizer does
// not see is reported here; in every build a lock that does not lock loses counts.
TEST(MutexTest, GuardsWhatThreadsCount) {
  Mutex mutex;
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 10'000; ++j) {
        MutexLock lock(&mutex);
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(count, 40'000);
}

TEST(CondVarTest, HandsOverToAndFro) {
  Mutex mutex;
  CondVar changed;
  int turn = 0;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) {
      MutexLock lock(&mutex);
      changed.Await(&mutex, [&] { return turn % 2 == 1; });
      ++turn;
      changed.SignalAll();
    }
  });
  for (int i = 0; i < 100; ++i) {
    MutexLock lock(&mutex);
    ++turn;
    changed.SignalAll();
    changed.Await(&mutex, [&] { return turn % 2 == 0; });
  }
  other.join();

  EXPECT_EQ(turn, 200);
}

TEST(CondVarTest, GivesUpAtTheDeadlineAndTellsSo) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(&mutex);
  const absl::Time start = absl::Now();

  EXPECT_FALSE(never.AwaitWithTimeout(&mutex, absl::Milliseconds(20), [] { return false; }));
  EXPECT_FALSE(
      never.AwaitWithDeadline(&mutex, start + absl::Milliseconds(40), [] { return false; }));
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(40));
  EXPECT_TRUE(never.WaitWithDeadline(&mutex, absl::InfinitePast()));
}

TEST(CondVarTest, SeesWhatHoldsAlreadyHoweverLate) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(&mutex);

  EXPECT_TRUE(never.AwaitWithDeadline(&mutex, absl::InfinitePast(), [] { return true; }));
}

TEST(NotificationTest, IsWaitedForWithoutEnd) {
  Notification happened;
  EXPECT_FALSE(happened.HasBeenNotified());
  EXPECT_FALSE(happened.WaitForNotificationWithTimeout(absl::Milliseconds(1)));
  std::thread other([&] { happened.Notify(); });

  EXPECT_TRUE(happened.WaitForNotificationWithTimeout(absl::InfiniteDuration()));
  happened.WaitForNotification();
  EXPECT_TRUE(happened.HasBeenNotified());
  other.join();
}

}  // namespace
}  // namespace quartermaster::base
