#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/as_of.h"
#include "inventory-svc/domain/line_books.h"

namespace quartermaster::inventory {

// The sums of an item while its balances are added up.
struct ItemSums {
  absl::int128 inside = 0;
  absl::int128 outside = 0;
  int64_t balance_count = 0;
  int64_t negative_count = 0;
};

// A balance that has more lines than one page sums up, in the middle of it.
struct OpenBalance {
  StandingBalance balance;
  // What is summed up now: what it gave, then what it got.
  bool is_source = true;
  base::Uuid after;
  // What it got, less what it gave, up to there.
  absl::int128 standing = 0;
  absl::int128 at_moment = 0;
};

// How far a proof has come: all that the next page needs to know.
struct ProofPosition {
  // The prefix of the sealed records that items are proved as of.
  int64_t sequence = 0;
  // Behind the last balance that is done.
  BalancePlace place;
  // Of `place.item`, up to there.
  ItemSums sums;
  std::optional<OpenBalance> open;
  int64_t checked_balance_count = 0;
  int64_t summed_line_count = 0;
  // As it was when the proof began.
  int64_t balance_count = 0;

  // As text without spaces, and back; nothing if it is not of that form.
  std::string ToText() const;
  static std::optional<ProofPosition> FromText(const std::string& text);
};

// The proof of one item by its lines.
struct ItemProof {
  ItemId item = {};
  ItemSums sums;
};

// A balance that is not the sum of its lines. The numbers of the kinds are the API's.
struct BalanceDifference {
  enum class Kind : uint8_t { kBalance = 1, kHistory = 2 };
  Kind kind = Kind::kBalance;
  BalanceId balance = {};
  absl::int128 expected = 0;
  absl::int128 found = 0;
};

// What one page came to.
struct ProofPage {
  // Items that are done.
  std::vector<ItemProof> items;
  std::vector<BalanceDifference> differences;
  ProofPosition position;
  bool is_done = false;
};

// Sums up about `line_count` lines more, one movement at least. What a page finds does not depend
// on what is posted while it works: a balance is compared with the lines up to its own last record
// time, an item with the lines of `moment`.
absl::StatusOr<ProofPage> ProveOn(LineBooks& books, absl::Time deadline, std::optional<ItemId> item,
                                  const Moment& moment, const ProofPosition& from,
                                  int64_t line_count);

}  // namespace quartermaster::inventory
