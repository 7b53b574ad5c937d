#include "inventory-svc/domain/posting_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "inventory-svc/domain/ledger_errors.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;

constexpr absl::Time kNow = absl::FromUnixSeconds(1580000000);
constexpr char kDepot[] = "units/city/locations/depot";
constexpr char kShelf[] = "units/city/locations/shelf";
constexpr char kOther[] = "units/station/locations/room";
constexpr char kMasks[] = "items/n95-mask/lots/m1";

BalanceKey Key(State state, uint32_t location = 1) {
  return {.location = LocationId{location}, .state = state, .lot = LotId{1}};
}

Balance Held(State state, int64_t quantity, uint32_t location = 1) {
  return {.key = Key(state, location), .quantity = quantity};
}

MovementLine Line(State source, State destination) {
  return {.lot = kMasks,
          .source = {.location = kDepot, .state = source},
          .destination = {.location = kDepot, .state = destination},
          .quantity = {.amount = 1}};
}

ResolvedLine Move(State source, State destination, int64_t quantity) {
  return {.source = Key(source), .destination = Key(destination), .base_quantity = quantity};
}

// What a posting did, and all balances after it.
struct Posted : Posting {
  std::vector<Balance> after;
};

absl::StatusOr<Posted> Post(const std::vector<ResolvedLine>& lines, std::vector<Balance> before,
                            const std::vector<MovementLine>& names, absl::Time now,
                            absl::Time not_before) {
  RunningBalances balances(std::move(before));
  const absl::StatusOr<Posting> posting = balances.Post(lines, names, now, not_before);
  if (!posting.ok()) return posting.status();
  return Posted{*posting, balances.Changed()};
}

absl::StatusOr<Posted> PostOne(ResolvedLine line, std::vector<Balance> before) {
  return Post({line}, std::move(before), {Line(line.source.state, line.destination.state)}, kNow,
              absl::InfinitePast());
}

std::vector<std::string> Fields(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const auto& violation : status::GetErrorDetail(status).field_violations) {
    fields.push_back(violation.field);
  }
  return fields;
}

TEST(PostTest, TakesFromTheSourceAndPutsIntoTheDestination) {
  const auto posting = PostOne(Move(State::kAvailable, State::kConsumed, 7),
                               {Held(State::kAvailable, 10), Held(State::kConsumed, -3)});

  ASSERT_TRUE(posting.ok());
  EXPECT_FALSE(posting->shortage.has_value());
  EXPECT_THAT(posting->after,
              ElementsAre(Field(&Balance::quantity, 3), Field(&Balance::quantity, 4)));
}

TEST(PostTest, TakesTheLastPieceButNotOneMore) {
  const std::vector<Balance> before = {Held(State::kAvailable, 5), Held(State::kConsumed, 0)};

  const auto all = PostOne(Move(State::kAvailable, State::kConsumed, 5), before);
  const auto one_more = PostOne(Move(State::kAvailable, State::kConsumed, 6), before);

  ASSERT_TRUE(all.ok() && one_more.ok());
  EXPECT_FALSE(all->shortage.has_value());
  ASSERT_TRUE(one_more->shortage.has_value());
  EXPECT_EQ(one_more->shortage->wanted, 6);
  EXPECT_EQ(one_more->shortage->available, 5);
  EXPECT_EQ(one_more->shortage->line, 1);
}

TEST(PostTest, LetsOutsideAccountsFallBelowZero) {
  const auto posting = PostOne(Move(State::kSupplier, State::kAvailable, 9),
                               {Held(State::kSupplier, 0), Held(State::kAvailable, 0)});

  ASSERT_TRUE(posting.ok());
  EXPECT_FALSE(posting->shortage.has_value());
  EXPECT_EQ(posting->after[0].quantity, -9);
}

TEST(PostTest, LetsALaterLineTakeWhatAnEarlierOneBrought) {
  const auto posting = Post(
      {Move(State::kSupplier, State::kAvailable, 4), Move(State::kAvailable, State::kConsumed, 4)},
      {Held(State::kSupplier, 0), Held(State::kAvailable, 0), Held(State::kConsumed, 0)},
      {Line(State::kSupplier, State::kAvailable), Line(State::kAvailable, State::kConsumed)}, kNow,
      absl::InfinitePast());

  ASSERT_TRUE(posting.ok());
  EXPECT_FALSE(posting->shortage.has_value());
}

TEST(PostTest, CountsTwoLinesFromOneAccountTogether) {
  const auto posting = Post(
      {Move(State::kAvailable, State::kConsumed, 3), Move(State::kAvailable, State::kConsumed, 3)},
      {Held(State::kAvailable, 5), Held(State::kConsumed, 0)},
      {Line(State::kAvailable, State::kConsumed), Line(State::kAvailable, State::kConsumed)}, kNow,
      absl::InfinitePast());

  ASSERT_TRUE(posting.ok());
  ASSERT_TRUE(posting->shortage.has_value());
  EXPECT_EQ(posting->shortage->line, 2);
  EXPECT_EQ(posting->shortage->available, 2);
}

TEST(PostTest, RefusesAmountsThatLeaveInt64) {
  const int64_t max = std::numeric_limits<int64_t>::max();

  const auto destination = PostOne(Move(State::kSupplier, State::kAvailable, 1),
                                   {Held(State::kSupplier, 0), Held(State::kAvailable, max)});
  const auto source = PostOne(
      Move(State::kSupplier, State::kAvailable, 1),
      {Held(State::kSupplier, std::numeric_limits<int64_t>::min()), Held(State::kAvailable, 0)});

  EXPECT_EQ(status::GetReason(destination.status()), "QUANTITY_OVERFLOW");
  EXPECT_EQ(status::GetReason(source.status()), "QUANTITY_OVERFLOW");
}

TEST(PostTest, RecordsLaterThanEverythingItRestsOn) {
  std::vector<Balance> before = {Held(State::kAvailable, 5), Held(State::kConsumed, 0)};
  before[1].last_record_time = kNow + absl::Hours(1);

  const auto ahead = PostOne(Move(State::kAvailable, State::kConsumed, 1), before);
  const auto referred =
      Post({Move(State::kAvailable, State::kConsumed, 1)}, before,
           {Line(State::kAvailable, State::kConsumed)}, kNow, kNow + absl::Hours(2));

  EXPECT_EQ(ahead->record_time, kNow + absl::Hours(1) + absl::Microseconds(1));
  EXPECT_EQ(ahead->after[0].last_record_time, ahead->record_time);
  EXPECT_EQ(referred->record_time, kNow + absl::Hours(2));
}

TEST(OppositeTest, PutsEverythingBackLastLineFirst) {
  const std::vector<MovementLine> lines = {Line(State::kSupplier, State::kAvailable),
                                           Line(State::kAvailable, State::kConsumed)};

  const std::vector<MovementLine> back = Opposite(lines);

  EXPECT_EQ(back[0].source.state, State::kConsumed);
  EXPECT_EQ(back[0].destination.state, State::kAvailable);
  EXPECT_EQ(back[1].destination.state, State::kSupplier);
}

struct StateChange {
  Reason reason;
  State source;
  State destination;
  bool is_allowed;
};

// Every pair of the posting table at its edge: one allowed neighbor and one that is not.
TEST(CheckStateChangeTest, FollowsTheTable) {
  const StateChange changes[] = {
      {Reason::kReceive, State::kSupplier, State::kAvailable, true},
      {Reason::kReceive, State::kDonor, State::kQuarantine, true},
      {Reason::kReceive, State::kMinistry, State::kAvailable, true},
      {Reason::kReceive, State::kProvince, State::kAvailable, true},
      {Reason::kReceive, State::kPeer, State::kAvailable, true},
      {Reason::kReceive, State::kFound, State::kAvailable, false},
      {Reason::kReceive, State::kSupplier, State::kConsumed, false},
      {Reason::kReceive, State::kSupplier, State::kReserved, false},
      {Reason::kConsume, State::kAvailable, State::kConsumed, true},
      {Reason::kConsume, State::kQuarantine, State::kConsumed, false},
      {Reason::kConsume, State::kReserved, State::kConsumed, false},
      {Reason::kGive, State::kAvailable, State::kExternal, true},
      {Reason::kGive, State::kAvailable, State::kConsumed, false},
      {Reason::kSell, State::kAvailable, State::kSold, true},
      {Reason::kSell, State::kAvailable, State::kExternal, false},
      {Reason::kRelocate, State::kAvailable, State::kAvailable, true},
      {Reason::kRelocate, State::kAvailable, State::kQuarantine, false},
      {Reason::kHold, State::kAvailable, State::kQuarantine, true},
      {Reason::kHold, State::kQuarantine, State::kAvailable, false},
      {Reason::kRelease, State::kQuarantine, State::kAvailable, true},
      {Reason::kRelease, State::kAvailable, State::kQuarantine, false},
      {Reason::kSendBack, State::kQuarantine, State::kSupplier, true},
      {Reason::kSendBack, State::kAvailable, State::kLost, false},
      {Reason::kWriteOff, State::kQuarantine, State::kDestroyed, true},
      {Reason::kWriteOff, State::kAvailable, State::kExpired, true},
      {Reason::kWriteOff, State::kAvailable, State::kConsumed, false},
      {Reason::kWriteOff, State::kInTransit, State::kLost, false},
      {Reason::kFind, State::kFound, State::kAvailable, true},
      {Reason::kFind, State::kLost, State::kAvailable, false},
      {Reason::kOpenBooks, State::kOpening, State::kAvailable, true},
      {Reason::kOpenBooks, State::kFound, State::kAvailable, false},
      {Reason::kDispatch, State::kAvailable, State::kInTransit, true},
      {Reason::kArrive, State::kInTransit, State::kAvailable, true},
      {Reason::kArrive, State::kInTransit, State::kConsumed, false},
  };
  for (const StateChange& change : changes) {
    SCOPED_TRACE(ToName(change.reason) + " " + ToName(change.source) + " " +
                 ToName(change.destination));
    const absl::Status status =
        CheckStateChange(3, change.reason, change.source, change.destination);
    EXPECT_EQ(status.ok(), change.is_allowed);
    if (!change.is_allowed) {
      EXPECT_EQ(status::GetReason(status), "STATE_CHANGE_NOT_ALLOWED");
    }
  }
}

PostMovementCommand Command(Reason reason, MovementLine line) {
  return {.reason = reason, .lines = {std::move(line)}};
}

TEST(CheckCommandTest, AcceptsAReceiptOfToday) {
  PostMovementCommand command =
      Command(Reason::kReceive, Line(State::kSupplier, State::kAvailable));
  command.occurred_time = kNow + kClockTolerance;

  EXPECT_TRUE(CheckCommand(command, kNow).ok());
}

TEST(CheckCommandTest, RefusesTheFuture) {
  PostMovementCommand command =
      Command(Reason::kReceive, Line(State::kSupplier, State::kAvailable));
  command.occurred_time = kNow + kClockTolerance + absl::Microseconds(1);

  EXPECT_THAT(Fields(CheckCommand(command, kNow)), ElementsAre("occurred_time"));
}

TEST(CheckCommandTest, LeavesDocumentsAndReversalsTheirReasons) {
  for (const Reason reason : {Reason::kDispatch, Reason::kArrive, Reason::kReverse}) {
    EXPECT_THAT(
        Fields(CheckCommand(Command(reason, Line(State::kAvailable, State::kInTransit)), kNow)),
        ElementsAre("reason"));
  }
}

TEST(CheckCommandTest, KeepsGoodsInTheirPlaceUnlessRelocated) {
  MovementLine line = Line(State::kAvailable, State::kConsumed);
  line.destination.location = kShelf;
  EXPECT_THAT(Fields(CheckCommand(Command(Reason::kConsume, line), kNow)),
              ElementsAre("lines[0].destination.location"));

  MovementLine relocated = Line(State::kAvailable, State::kAvailable);
  relocated.destination.location = kShelf;
  EXPECT_TRUE(CheckCommand(Command(Reason::kRelocate, relocated), kNow).ok());

  relocated.destination.location = kOther;
  EXPECT_THAT(Fields(CheckCommand(Command(Reason::kRelocate, relocated), kNow)),
              ElementsAre("lines[0].destination.location"));
}

TEST(CheckCommandTest, NamesEveryWrongField) {
  PostMovementCommand command =
      Command(Reason::kDispatch, Line(State::kAvailable, State::kAvailable));
  command.occurred_time = kNow + absl::Hours(1);

  EXPECT_THAT(Fields(CheckCommand(command, kNow)),
              ElementsAre("reason", "lines[0].destination", "occurred_time"));
}

TEST(ExtraPermissionTest, GuardsWhatMakesGoodsAppearOrVanish) {
  EXPECT_EQ(ExtraPermission(Reason::kWriteOff), "ledger.dispose");
  EXPECT_EQ(ExtraPermission(Reason::kFind), "ledger.correct");
  EXPECT_EQ(ExtraPermission(Reason::kOpenBooks), "ledger.open");
  EXPECT_EQ(ExtraPermission(Reason::kConsume), "");
}

}  // namespace
}  // namespace quartermaster::inventory
