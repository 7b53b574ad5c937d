#include "inventory-svc/lanes/posting_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/harness/ledger_world.h"

namespace quartermaster::inventory {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Time kNow = absl::FromUnixSeconds(1580000000);

// A posting of so many lines, each between two balances of its own that begin at `first_lot`.
PendingPosting APosting(const std::string& caller, uint64_t request, int line_count = 1,
                        uint32_t first_lot = 1) {
  PendingPosting posting{.movement = {.caller = caller}, .request_id = RequestId(request)};
  for (int i = 0; i < line_count; ++i) {
    const LotId lot{first_lot + static_cast<uint32_t>(i)};
    posting.lines.resolved.push_back({.source = KeyOf(kDepotId, State::kSupplier, lot),
                                      .destination = KeyOf(kDepotId, State::kAvailable, lot),
                                      .base_quantity = 1});
  }
  return posting;
}

std::shared_ptr<PostingGroup> AGroup(std::vector<PendingPosting> postings,
                                     absl::Time deadline = kNow + absl::Seconds(1)) {
  return std::make_shared<PostingGroup>(std::move(postings), deadline,
                                        [](const PostingGroup::Answers&) {});
}

class PostingQueueTest : public ::testing::Test {
 protected:
  void Add(const std::string& caller, int count) {
    for (int i = 0; i < count; ++i) queue_.Add(AGroup({APosting(caller, ++last_request_)}));
  }

  // Takes a turn and gives it back; returns whose postings it had.
  std::vector<std::string> Take(const TurnLimits& limits) {
    const TakenTurn taken = queue_.Take(limits);
    std::vector<std::string> callers;
    for (const PendingPosting* posting : taken.turn) callers.push_back(posting->movement.caller);
    queue_.Return(taken);
    return callers;
  }

  PostingQueue queue_{QueueLimits()};
  uint64_t last_request_ = 0;
};

TEST_F(PostingQueueTest, ServesCallersInTurnHoweverManyOneBrings) {
  Add("anna", 4);
  Add("boris", 1);
  Add("chen", 2);

  EXPECT_THAT(Take({}), ElementsAre("anna", "boris", "chen", "anna", "chen", "anna", "anna"));
  EXPECT_EQ(queue_.posting_count(), 0);
  EXPECT_EQ(queue_.line_count(), 0);
  EXPECT_FALSE(queue_.HasTurn());
}

TEST_F(PostingQueueTest, KeepsTheOrderOfEachCaller) {
  Add("anna", 3);

  const TakenTurn taken = queue_.Take({});

  ASSERT_EQ(taken.turn.size(), 3);
  for (uint64_t i = 0; i < 3; ++i) EXPECT_EQ(taken.turn[i]->request_id, RequestId(i + 1));
}

TEST_F(PostingQueueTest, GivesOneCallerAQuarterWhileAnotherWaits) {
  Add("anna", 100);
  Add("boris", 100);

  const std::vector<std::string> first = Take({.postings_max = 40});

  EXPECT_EQ(std::ranges::count(first, "anna"), 10);
  EXPECT_EQ(std::ranges::count(first, "boris"), 10);
}

TEST_F(PostingQueueTest, GivesTheRestOfThePlacesToWhoIsLeft) {
  Add("anna", 100);
  Add("boris", 3);

  const std::vector<std::string> first = Take({.postings_max = 40});

  EXPECT_EQ(std::ranges::count(first, "boris"), 3);
  EXPECT_EQ(std::ranges::count(first, "anna"), 37);
}

TEST_F(PostingQueueTest, BeginsWithWhoWasNotServedLastTime) {
  for (const char* caller : {"anna", "boris", "chen", "ding", "emil"}) Add(caller, 2);

  EXPECT_THAT(Take({.postings_max = 4}), ElementsAre("anna", "boris", "chen", "ding"));
  EXPECT_THAT(Take({.postings_max = 4}), ElementsAre("emil", "anna", "boris", "chen"));
}

TEST_F(PostingQueueTest, StopsACallerAtWhatWouldLockTooMuch) {
  queue_.Add(AGroup({APosting("anna", 1, /*line_count=*/3)}));
  queue_.Add(AGroup({APosting("anna", 2, /*line_count=*/3, /*first_lot=*/100)}));
  queue_.Add(AGroup({APosting("boris", 3, /*line_count=*/3)}));

  // Anna's second does not fit; Boris's names balances that are in it already.
  EXPECT_THAT(Take({.balances_max = 8}), ElementsAre("anna", "boris"));
  EXPECT_THAT(Take({.balances_max = 8}), ElementsAre("anna"));
}

TEST_F(PostingQueueTest, TakesWhatIsTooLargeAlone) {
  queue_.Add(AGroup({APosting("anna", 1, /*line_count=*/500)}));
  Add("boris", 1);

  EXPECT_THAT(Take({.balances_max = 900}), ElementsAre("anna"));
  EXPECT_THAT(Take({.balances_max = 900}), ElementsAre("boris"));
}

TEST_F(PostingQueueTest, LetsNobodyTakeTheRestOfAGroupMeanwhile) {
  std::vector<PendingPosting> postings;
  for (uint64_t i = 1; i <= 6; ++i) postings.push_back(APosting("anna", i));
  queue_.Add(AGroup(std::move(postings)));

  const TakenTurn first = queue_.Take({.postings_max = 4});
  const TakenTurn meanwhile = queue_.Take({.postings_max = 4});
  const bool had_turn = queue_.HasTurn();
  queue_.Return(first);
  const TakenTurn rest = queue_.Take({.postings_max = 4});

  EXPECT_EQ(first.turn.size(), 4);
  EXPECT_THAT(meanwhile.turn, IsEmpty());
  EXPECT_FALSE(had_turn);
  ASSERT_EQ(rest.turn.size(), 2);
  EXPECT_EQ(rest.turn[0]->request_id, RequestId(5));
}

TEST_F(PostingQueueTest, TakesOutWhoseTimeIsOver) {
  queue_.Add(AGroup({APosting("anna", 1)}, kNow));
  queue_.Add(AGroup({APosting("boris", 2)}, kNow + absl::Seconds(1)));

  const auto late = queue_.TakeLate(kNow);

  ASSERT_EQ(late.size(), 1);
  EXPECT_EQ(late[0]->postings[0].movement.caller, "anna");
  EXPECT_THAT(Take({}), ElementsAre("boris"));
  EXPECT_EQ(queue_.posting_count(), 0);
}

TEST_F(PostingQueueTest, DropsTheRestOfWhatWasAnsweredMeanwhile) {
  std::vector<PendingPosting> postings;
  for (uint64_t i = 1; i <= 6; ++i) postings.push_back(APosting("anna", i));
  queue_.Add(AGroup(std::move(postings)));
  const TakenTurn first = queue_.Take({.postings_max = 4});

  first.groups[0]->Answer(absl::DeadlineExceededError("late"));
  queue_.Return(first);

  EXPECT_THAT(Take({}), IsEmpty());
  EXPECT_EQ(queue_.posting_count(), 0);
  EXPECT_FALSE(queue_.HasTurn());
}

TEST(PostingGroupTest, IsAnsweredOnce) {
  int answer_count = 0;
  PostingGroup group({APosting("anna", 1)}, kNow, [&](const auto&) { ++answer_count; });

  group.Answer(absl::DeadlineExceededError("late"));
  group.Answer(std::vector<PostingAnswer>{Movement()});

  EXPECT_EQ(answer_count, 1);
}

}  // namespace
}  // namespace quartermaster::inventory
