#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "inventory-svc/domain/stock_ledger.h"
#include "inventory-svc/lanes/posting_queue.h"
#include "tests/harness/fake_stock_store.h"
#include "tests/harness/ledger_world.h"

// What the tests of this folder are told in.
namespace quartermaster::inventory {

// Waits until `holds`; returns whether it came to hold within half a minute.
template <typename Condition>
bool WaitUntil(Condition holds) {
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (!holds()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(1));
  }
  return true;
}

// A ledger over books in memory.
struct LaneWorld {
  explicit LaneWorld(const FakeStockStore::Options& options = {}) : store(world.lots(), options) {}

  PendingPosting Prepare(const PostMovementCommand& command, const std::string& caller = "clerk") {
    absl::StatusOr<PendingPosting> posting = ledger.PreparePosting(CallBy(caller), command);
    EXPECT_TRUE(posting.ok()) << posting.status();
    return *std::move(posting);
  }
  int64_t OnHand() const { return store.books().QuantityOf(KeyOf(kDepotId, State::kAvailable)); }

  ManualClock clock;
  CountingUuids uuids{clock};
  LedgerWorld world;
  FakeStockStore store;
  StockLedger ledger{store, world.units(), world.items(), clock, uuids};
};

}  // namespace quartermaster::inventory
