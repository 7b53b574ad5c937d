#pragma once

#include <cstdint>
#include <istream>
#include <string>

#include "absl/status/statusor.h"

namespace quartermaster::qmctl {

// What a look at an export came to.
struct Verdict {
  int64_t record_count = 0;
  int64_t first_sequence = 0;
  int64_t last_sequence = 0;
  int64_t block_count = 0;
  // The first block in the export; 0 if there is none. Those before it were not looked at.
  int64_t first_block = 0;
  // Records at the end that no block in the export covers: nothing can be said of them.
  int64_t uncovered_count = 0;
  // Heads kept elsewhere, and how many of them were found in the export.
  int64_t kept_head_count = 0;
  int64_t matched_head_count = 0;
  // Heads kept elsewhere of blocks before the export's first.
  int64_t earlier_head_count = 0;
  // To which record heads kept elsewhere vouch for the export; 0 for nowhere. What follows may have
  // been made anew.
  int64_t vouched_sequence = 0;
  // The first sequence that does not fit, and what is wrong there; 0 if everything fits.
  int64_t misfit_sequence = 0;
  std::string misfit;
};

// Checks an export, as `qmctl --output json watch` writes it: each line the JSON of a
// `RecordBatch`. Records must be there without gaps, be what their hashes were made from, and stand
// in blocks that chain.
//
// `heads`, which may be null, are heads kept elsewhere: lines of the same form, or each the JSON of
// one `RecordBlock`. Each that falls into the export must be the one that is there; one beyond its
// end says that the end was cut off. Without heads a chain that somebody made anew from some record
// on fits: the chain alone proves order, not honesty.
//
// INVALID_ARGUMENT, naming the line, if a file is not of that form; if the export has no records,
// as a watch that failed leaves it; if `heads` has none, or none that falls into the export.
absl::StatusOr<Verdict> VerifyExport(std::istream& exported, std::istream* heads);

}  // namespace quartermaster::qmctl
