#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/ledger_types.h"

// What may be posted, decided from values alone.
namespace quartermaster::inventory {

// How far ahead of our clock something may be said to have happened: clocks differ.
inline constexpr absl::Duration kClockTolerance = absl::Minutes(5);
inline constexpr int kMovementLinesMax = 500;

// What a caller must hold, besides `ledger.post`, to post for this reason; empty for nothing more.
absl::string_view ExtraPermission(Reason reason);

// Checks what a caller may ask for at all, before anything is looked up: states that can be posted
// to by hand, both ends in one place (in one unit for RELOCATE), a time that is not in the future.
// INVALID_ARGUMENT names every field that is wrong.
absl::Status CheckCommand(const PostMovementCommand& command, absl::Time now);

// Checks that `reason` moves goods from one state to the other. `line` is counted from 1.
absl::Status CheckStateChange(int line, Reason reason, State source, State destination);

// What a posting does, or what it lacks.
struct Posting {
  // When the books take it.
  absl::Time record_time;
  // The first line whose inside source would fall below zero, if any; `reserved` is left at 0.
  std::optional<Shortage> shortage;
};

// Balances that one transaction holds locked, as they change from one posting to the next.
// Not thread-safe.
class RunningBalances {
 public:
  explicit RunningBalances(std::vector<Balance> locked);

  // Decides whether `lines`, all of whose balances must be here, can be posted, and posts them if
  // so; otherwise all stays as it was. Lines are applied in order, so a line may pass on what an
  // earlier one brought.
  //
  // The record time is the later of `now`, `not_before` and one microsecond after the latest on any
  // balance that the lines name: it never runs backwards along a dependency.
  //
  // Fails with `QUANTITY_OVERFLOW` if a balance would leave int64. `names` are the lines as callers
  // know them, for the refusal.
  absl::StatusOr<Posting> Post(const std::vector<ResolvedLine>& lines,
                               const std::vector<MovementLine>& names, absl::Time now,
                               absl::Time not_before);

  // Returns the balances that some posting changed, in the order they were given.
  std::vector<Balance> Changed() const;

 private:
  struct Running {
    Balance balance;
    bool is_changed = false;
  };
  Running& At(const BalanceKey& key);

  std::vector<Running> balances_;
  absl::flat_hash_map<BalanceKey, size_t> places_;
};

// Returns the lines that put everything back.
std::vector<MovementLine> Opposite(const std::vector<MovementLine>& lines);

}  // namespace quartermaster::inventory
