#pragma once

#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/as_of.h"
#include "inventory-svc/domain/stock_queries.h"
#include "platform/base/uuid.h"

namespace quartermaster::inventory {

// Where a walk over all balances stands: behind this one. Items come in the order of their row
// numbers, the balances of one by state, then by row number.
struct BalancePlace {
  ItemId item = {};
  uint8_t state = 0;
  BalanceId balance = {};
};

// A balance as it stood when it was read: all of its movements up to `last_record_time` are in
// `quantity` and no later one is, since each is later than the ones before it.
struct StandingBalance {
  BalanceId id = {};
  ItemId item = {};
  State state = State::kAvailable;
  int64_t quantity = 0;
  absl::Time last_record_time;
};

// Some of the lines of a balance, in the order of their movements.
struct LineSpan {
  BalanceId balance = {};
  // The lines that take from it; otherwise those that give to it.
  bool is_source = false;
  // Those of movements after this one; nil: from the first on.
  base::Uuid after;
  // Those of movements up to this one, all of its lines included; none: to the last.
  std::optional<base::Uuid> through;
  // Up to when they count for what the balance holds.
  absl::Time last_record_time;
};

// What the lines of a span add up to.
struct LineSum {
  int64_t line_count = 0;
  // Those up to the span's `last_record_time`.
  absl::int128 standing = 0;
  // Those within the moment.
  absl::int128 at_moment = 0;
};

// How far the first lines of a span reach.
struct SpanCut {
  // As many as were asked for, or all there are.
  int64_t line_count = 0;
  // The movement of the last of them; nil if there is none.
  base::Uuid last;
};

// Port: the lines behind the balances, for whoever takes nobody's word. Every call is a read of its
// own that locks nothing. Thread-safe.
class LineBooks {
 public:
  virtual ~LineBooks() = default;

  // Returns how many balances there are, of one item if it is given.
  virtual absl::StatusOr<int64_t> CountBalances(absl::Time deadline,
                                                std::optional<ItemId> item) = 0;
  // Returns the next balances behind `after`, of one item if it is given.
  virtual absl::StatusOr<std::vector<StandingBalance>> ListBalances(absl::Time deadline,
                                                                    std::optional<ItemId> item,
                                                                    const BalancePlace& after,
                                                                    int limit) = 0;
  // Looks how far the first `limit` lines of each span reach. Reads the index alone.
  virtual absl::StatusOr<std::vector<SpanCut>> CutSpans(absl::Time deadline,
                                                        const std::vector<LineSpan>& spans,
                                                        int64_t limit) = 0;
  // Sums up each span.
  virtual absl::StatusOr<std::vector<LineSum>> SumLines(absl::Time deadline,
                                                        const std::vector<LineSpan>& spans,
                                                        const Moment& moment) = 0;
  // Returns what the history says that each balance held.
  virtual absl::StatusOr<std::vector<absl::int128>> ReadHistory(
      absl::Time deadline, const std::vector<BalanceId>& balances, const Moment& moment) = 0;
  // Returns the accounts and lots of balances, in their order.
  virtual absl::StatusOr<std::vector<BalanceRow>> NameBalances(
      absl::Time deadline, const std::vector<BalanceId>& balances) = 0;
};

}  // namespace quartermaster::inventory
