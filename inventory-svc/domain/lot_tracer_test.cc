#include "inventory-svc/domain/lot_tracer.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace quartermaster::inventory {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

BalanceRow Held(State state, int64_t quantity) {
  return {.account = {.state = state}, .quantity = quantity};
}

int64_t SumOfParts(const LotTotals& totals) {
  return totals.on_hand + totals.in_transit + totals.in_use + totals.consumed + totals.sold +
         totals.given + totals.lost + totals.expired + totals.destroyed + totals.elsewhere;
}

TEST(SumLotTest, PutsEveryStateInItsPlace) {
  using enum State;
  const LotTotals totals =
      SumLot({Held(kSupplier, -100), Held(kDonor, -20), Held(kMinistry, -3), Held(kProvince, -4),
              Held(kPeer, -5), Held(kFound, -6), Held(kOpening, -7), Held(kAvailable, 10),
              Held(kReserved, 11), Held(kQuarantine, 12), Held(kInTransit, 13), Held(kInUse, 14),
              Held(kConsumed, 15), Held(kSold, 16), Held(kExternal, 17), Held(kLost, 18),
              Held(kExpired, 19), Held(kDestroyed, 0)});

  EXPECT_EQ(totals.received, 145);
  EXPECT_EQ(totals.on_hand, 33);
  EXPECT_EQ(totals.in_transit, 13);
  EXPECT_EQ(totals.in_use, 14);
  EXPECT_EQ(totals.consumed, 15);
  EXPECT_EQ(totals.sold, 16);
  EXPECT_EQ(totals.given, 17);
  EXPECT_EQ(totals.lost, 18);
  EXPECT_EQ(totals.expired, 19);
  EXPECT_EQ(totals.destroyed, 0);
  EXPECT_EQ(totals.elsewhere, 0);
  EXPECT_EQ(totals.received, SumOfParts(totals));
}

// What the accounts at hand lack to balance is with units whose accounts are not at hand.
TEST(SumLotTest, TellsWhatIsElsewhere) {
  const LotTotals sender = SumLot({Held(State::kSupplier, -100), Held(State::kAvailable, 60)});
  const LotTotals receiver = SumLot({Held(State::kAvailable, 30), Held(State::kConsumed, 10)});

  EXPECT_EQ(sender.elsewhere, 40);
  EXPECT_EQ(sender.received, SumOfParts(sender));
  EXPECT_EQ(receiver.elsewhere, -40);
  EXPECT_EQ(receiver.received, SumOfParts(receiver));
  EXPECT_EQ(SumLot({}).elsewhere, 0);
}

TEST(SumLotTest, ShowsTheMostThereIs) {
  const LotTotals totals =
      SumLot({Held(State::kAvailable, kMost), Held(State::kQuarantine, kMost)});

  EXPECT_EQ(totals.on_hand, kMost);
  EXPECT_EQ(totals.elsewhere, std::numeric_limits<int64_t>::min());
}

}  // namespace
}  // namespace quartermaster::inventory
