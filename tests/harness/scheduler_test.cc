#include "tests/harness/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace quartermaster::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// Writes one letter a step.
std::function<void()> Writes(Scheduler& scheduler, std::string& text, std::string letters) {
  return [&scheduler, &text, letters] {
    for (const char letter : letters) {
      scheduler.Step("writes");
      text.push_back(letter);
    }
  };
}

TEST(SchedulerTest, RunsEveryOrderOnce) {
  std::multiset<std::string> texts;

  const auto explored = ExploreSchedules({}, [&](Scheduler& scheduler) {
    std::string text;
    scheduler.AddActor({.name = "one", .body = Writes(scheduler, text, "ab")});
    scheduler.AddActor({.name = "other", .body = Writes(scheduler, text, "x")});
    ASSERT_TRUE(scheduler.Run().ok());
    texts.insert(text);
  });

  EXPECT_TRUE(explored.is_complete);
  EXPECT_THAT(std::set<std::string>(texts.begin(), texts.end()),
              UnorderedElementsAre("abx", "axb", "xab"));
}

TEST(SchedulerTest, RepeatsARunFromItsChoices) {
  const auto run = [](std::vector<int> choices) {
    Scheduler scheduler(std::move(choices), {});
    std::string text;
    scheduler.AddActor({.name = "one", .body = Writes(scheduler, text, "abcd")});
    scheduler.AddActor({.name = "other", .body = Writes(scheduler, text, "wxyz")});
    EXPECT_TRUE(scheduler.Run().ok());
    return text;
  };

  EXPECT_EQ(run({}), "abcdwxyz");
  EXPECT_EQ(run({1, 0, 0, 1, 0, 1}), run({1, 0, 0, 1, 0, 1}));
  EXPECT_NE(run({1, 0, 0, 1, 0, 1}), run({}));
}

TEST(SchedulerTest, KeepsWhoIsNotReadyWaiting) {
  ExploreSchedules({}, [&](Scheduler& scheduler) {
    bool is_open = false;
    bool went_early = false;
    scheduler.AddActor({.name = "guest", .body = [&] {
                          scheduler.Step("enters", [&] { return is_open; });
                          went_early = !is_open;
                        }});
    scheduler.AddActor({.name = "host", .body = [&] {
                          scheduler.Step("opens");
                          is_open = true;
                        }});
    EXPECT_TRUE(scheduler.Run().ok());
    EXPECT_FALSE(went_early);
  });
}

TEST(SchedulerTest, SaysWhoWaitsForWhomInADeadlock) {
  int64_t deadlock_count = 0;
  std::string last;
  ExploreSchedules({}, [&](Scheduler& scheduler) {
    bool is_taken[2] = {false, false};
    const auto takes = [&](int first, int second) {
      return [&, first, second] {
        for (const int lock : {first, second}) {
          scheduler.Step(lock == 0 ? "takes the pen" : "takes the paper",
                         [&] { return !is_taken[lock]; });
          is_taken[lock] = true;
        }
        is_taken[0] = is_taken[1] = false;
      };
    };
    scheduler.AddActor({.name = "anna", .body = takes(0, 1)});
    scheduler.AddActor({.name = "boris", .body = takes(1, 0)});
    const absl::Status status = scheduler.Run();
    if (status.ok()) return;
    ++deadlock_count;
    last = std::string(status.message());
  });

  EXPECT_GT(deadlock_count, 0);
  EXPECT_THAT(last, HasSubstr("anna at: takes the paper"));
  EXPECT_THAT(last, HasSubstr("boris at: takes the pen"));
}

TEST(SchedulerTest, TriesEveryOutcomeAndEveryCrash) {
  std::set<std::string> ends;

  ExploreSchedules({}, [&](Scheduler& scheduler) {
    std::string end = "crashed";
    scheduler.AddActor({.name = "one",
                        .body =
                            [&] {
                              scheduler.Step("begins");
                              end = "crashed late";
                              const int outcome = scheduler.Choose("coin", 2);
                              scheduler.CrashPoint("at the end");
                              end = outcome == 0 ? "heads" : "tails";
                            },
                        .may_crash = true});
    EXPECT_TRUE(scheduler.Run().ok());
    ends.insert(end);
  });

  EXPECT_THAT(ends, UnorderedElementsAre("crashed", "crashed late", "heads", "tails"));
}

TEST(SchedulerTest, CountsPreemptions) {
  const auto count = [](int preemption_count_max) {
    const auto explored = ExploreSchedules(
        {.limits = {.preemption_count_max = preemption_count_max}}, [](Scheduler& scheduler) {
          std::string text;
          scheduler.AddActor({.name = "one", .body = Writes(scheduler, text, "abcd")});
          scheduler.AddActor({.name = "other", .body = Writes(scheduler, text, "wxyz")});
          EXPECT_TRUE(scheduler.Run().ok());
        });
    return explored.schedule_count;
  };

  EXPECT_EQ(count(0), 2);
  EXPECT_LT(count(1), count(2));
  EXPECT_LT(count(2), count(100));
}

TEST(SchedulerTest, GivesUpALoopWithoutEnd) {
  Scheduler scheduler({}, {.step_count_max = 50});
  scheduler.AddActor({.name = "one", .body = [&] {
                        while (true) scheduler.Step("turns");
                      }});

  EXPECT_THAT(std::string(scheduler.Run().message()), HasSubstr("too many steps"));
}

}  // namespace
}  // namespace quartermaster::testing
