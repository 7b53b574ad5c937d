// What the programs' defaults must be to one another.

#include <gtest/gtest.h>

#include "gateway/options.h"
#include "inventory-svc/options.h"

namespace quartermaster {
namespace {

// Goal: a flood of one person's, through one gateway, is told `CALLER_OVERLOADED` before anybody
// else is refused or waits unread.
// Method: the lanes judge shares from their half on, so a stream must carry more than that before
// inventory stops reading it, which holds up all callers; and the gateway must let more in than
// that, with room beyond the half that one person gets alone.
TEST(LimitsTest, SharesAreJudgedBeforeAnybodyWaitsBehindAFlood) {
  const inventory::Options inventory;
  const gateway::Options gateway;
  const int lanes_half = inventory.inventory.lanes.queued_postings_max / 2;
  const int relay_window = inventory.inventory.relay.calls_max;
  const int gateway_max = gateway.inventory_postings_max;

  EXPECT_LT(lanes_half, relay_window);
  EXPECT_LT(relay_window, gateway_max);
  EXPECT_LT(lanes_half, gateway_max / 2) << "the lanes' shares count behind one gateway";
  EXPECT_LT(gateway_max / 2, relay_window) << "one person cannot fill the stream";
}

}  // namespace
}  // namespace quartermaster
