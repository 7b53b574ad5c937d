#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "tests/history/item_history.h"

namespace quartermaster::testing {

// What bounds the search.
struct SearchLimits {
  // Of ways in which one answer could have come about; each is the item's amounts and which of the
  // open operations have taken effect.
  size_t ways_max = 500'000;
};

// What the search found.
struct LinearizabilityVerdict {
  bool is_linearizable = true;
  // The most ways that one answer could have come about: how hard it was.
  size_t ways_max = 0;
  // If it is not: the first answer that no order explains, what could have been before it, and the
  // operations that overlap it, without the reads and refusals that do not matter. In words.
  std::string counterexample;
};

// Decides whether one ledger, that does one thing at a time, each between its asking and its
// answer, could have given all the answers of a history. A posting takes effect if every step finds
// enough, and is refused if one does not, with what it found; a read tells all of its accounts at
// once.
// Whose outcome is unknown takes effect at any time after its asking, or never.
//
// The search (Lowe's, after Wing and Gong) goes through the history once, in time. Between answers
// it keeps every way in which those so far could have come about, each once; at an answer it lets
// open operations take effect, in every order, as few as explain it. So the answer where no way is
// left ends the shortest beginning of the history that is not linearizable. Its cost grows with how
// many operations are open at once, not with how many there are.
//
// INVALID_ARGUMENT if the history makes no sense; RESOURCE_EXHAUSTED if the limits, or 64
// operations open at once, do not suffice to decide.
absl::StatusOr<LinearizabilityVerdict> CheckLinearizable(const ItemHistory& history,
                                                         const SearchLimits& limits = {});

}  // namespace quartermaster::testing
