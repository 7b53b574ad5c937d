#include "platform/base/single_flight.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace quartermaster::base {
namespace {

const absl::Status kTooLate = absl::DeadlineExceededError("too late");

// A load that others can wait for: it ends when it is told to.
struct HeldLoad {
  absl::Status Run() {
    ++count;
    has_begun.Notify();
    may_end.WaitForNotification();
    return outcome;
  }

  std::atomic<int> count = 0;
  Notification has_begun;
  Notification may_end;
  absl::Status outcome;
};

class SingleFlightTest : public testing::Test {
 protected:
  // Begins a load on a thread of its own.
  std::thread Begin(HeldLoad& load, absl::Time deadline = absl::InfiniteFuture()) {
    std::thread thread([this, &load, deadline] {
      outcome_ = flight_.JoinOrFly(deadline, [&] { return load.Run(); });
    });
    load.has_begun.WaitForNotification();
    return thread;
  }
  static absl::Status Never() {
    ADD_FAILURE() << "loaded again";
    return absl::OkStatus();
  }

  SingleFlight flight_{kTooLate};
  absl::Status outcome_;
};

TEST_F(SingleFlightTest, RunsALoadForEachWhoComesAlone) {
  int count = 0;
  for (int i = 0; i < 3; ++i) {
    const auto load = [&] {
      ++count;
      return absl::UnavailableError("gone");
    };
    EXPECT_EQ(flight_.JoinOrFly(absl::InfiniteFuture(), load), load());
    EXPECT_EQ(flight_.Fly(absl::InfiniteFuture(), load), load());
  }
  EXPECT_EQ(count, 12);
}

TEST_F(SingleFlightTest, GivesEveryoneWhoWaitsUntilTheirOwnDeadlineOnly) {
  HeldLoad load;
  std::thread leader = Begin(load);

  EXPECT_EQ(flight_.JoinOrFly(absl::Now() + absl::Milliseconds(5), Never), kTooLate);
  EXPECT_EQ(flight_.Fly(absl::Now() + absl::Milliseconds(5), Never), kTooLate);

  load.may_end.Notify();
  leader.join();
  // The one who gave up left nothing behind that others would wait for.
  EXPECT_TRUE(flight_.Fly(absl::InfiniteFuture(), [] { return absl::OkStatus(); }).ok());
}

// Whoever comes during a load shares its outcome, or the next one's, which begins after they came.
TEST_F(SingleFlightTest, SharesOneFailureAndOneLoadAfterIt) {
  HeldLoad load;
  load.outcome = absl::UnavailableError("gone");
  std::thread leader = Begin(load);
  std::atomic<int> begun_count = 0;
  std::atomic<int> joined_load_count = 0;
  std::atomic<int> later_load_count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      ++begun_count;
      flight_
          .JoinOrFly(absl::InfiniteFuture(),
                     [&] {
                       ++joined_load_count;
                       return absl::OkStatus();
                     })
          .IgnoreError();
    });
    threads.emplace_back([&] {
      ++begun_count;
      const absl::Status later = flight_.Fly(absl::InfiniteFuture(), [&] {
        EXPECT_TRUE(load.may_end.HasBeenNotified());
        ++later_load_count;
        return absl::OkStatus();
      });
      EXPECT_TRUE(later.ok());
    });
  }
  while (begun_count < 8) std::this_thread::yield();
  absl::SleepFor(absl::Milliseconds(50));
  load.may_end.Notify();
  leader.join();
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(outcome_, load.outcome);
  EXPECT_EQ(load.count, 1);
  // One more if a thread took longer than the pause to come.
  EXPECT_LE(joined_load_count, 1);
  EXPECT_GE(later_load_count, 1);
  EXPECT_LE(later_load_count, 2);
}

// Loads may differ: one that finds that there is nothing to do must not stand for one that was
// promised to begin later. Whoever ran the load that others wait for comes again at once, which now
// and then is before they have woken.
TEST_F(SingleFlightTest, DoesNotTakeAnothersLoadForALaterOne) {
  for (int round = 0; round < 300; ++round) {
    std::atomic<bool> has_begun = false;
    std::atomic<bool> has_come = false;
    std::atomic<bool> has_loaded = false;
    std::thread leader([&] {
      EXPECT_TRUE(flight_
                      .JoinOrFly(absl::InfiniteFuture(),
                                 [&] {
                                   has_begun = true;
                                   while (!has_come) std::this_thread::yield();
                                   absl::SleepFor(absl::Microseconds(200));
                                   return absl::OkStatus();
                                 })
                      .ok());
      const auto nothing_to_do = [] { return absl::OkStatus(); };
      EXPECT_TRUE(flight_.JoinOrFly(absl::InfiniteFuture(), nothing_to_do).ok());
    });
    while (!has_begun) std::this_thread::yield();
    has_come = true;
    EXPECT_TRUE(flight_
                    .Fly(absl::InfiniteFuture(),
                         [&] {
                           has_loaded = true;
                           return absl::OkStatus();
                         })
                    .ok());
    leader.join();
    ASSERT_TRUE(has_loaded) << "in round " << round;
  }
}

TEST_F(SingleFlightTest, TriesAgainWhatFailedForItsLeadersLackOfTime) {
  HeldLoad load;
  load.outcome = absl::DeadlineExceededError("no time");
  std::thread leader = Begin(load, absl::Now());
  std::atomic<int> count = 0;
  std::thread patient([&] {
    EXPECT_TRUE(flight_
                    .JoinOrFly(absl::InfiniteFuture(),
                               [&] {
                                 ++count;
                                 return absl::OkStatus();
                               })
                    .ok());
  });
  absl::SleepFor(absl::Milliseconds(20));
  load.may_end.Notify();
  leader.join();
  patient.join();

  EXPECT_EQ(outcome_, load.outcome);
  EXPECT_EQ(count, 1);
}

TEST_F(SingleFlightTest, ALoadThatThrowsLeavesNobodyWaiting) {
  EXPECT_THROW(flight_
                   .Fly(absl::InfiniteFuture(),
                        []() -> absl::Status { throw std::runtime_error("told to"); })
                   .IgnoreError(),
               std::runtime_error);
  EXPECT_TRUE(flight_.Fly(absl::InfiniteFuture(), [] { return absl::OkStatus(); }).ok());
}

}  // namespace
}  // namespace quartermaster::base
