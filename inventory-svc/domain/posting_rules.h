#pragma once

#include <optional>
#include <string>
#include <vector>

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
  // The new amounts of all balances that it touches. Meaningless if there is a shortage.
  std::vector<Balance> after;
  // When the books take it.
  absl::Time record_time;
  // The first line whose inside source would fall below zero, if any; `reserved` is left at 0.
  std::optional<Shortage> shortage;
};

// Decides whether `lines` can be posted on the balances in `before`, which must hold every balance
// that a line names. Lines are applied in order, so a line may pass on what an earlier one brought.
//
// The record time is the later of `now` and one microsecond after the latest on any balance and
// `not_before`: it never runs backwards along a dependency.
//
// Fails with `QUANTITY_OVERFLOW` if a balance would leave int64. `names` are the lines as callers
// know them, for the refusal.
absl::StatusOr<Posting> Post(const std::vector<ResolvedLine>& lines, std::vector<Balance> before,
                             const std::vector<MovementLine>& names, absl::Time now,
                             absl::Time not_before);

// Returns the lines that put everything back.
std::vector<MovementLine> Opposite(const std::vector<MovementLine>& lines);

}  // namespace quartermaster::inventory
