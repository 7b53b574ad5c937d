#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/records/chain.h"

namespace quartermaster::records {

// Whose a record is.
struct Scope {
  // Reference data that every reader of the feed may see.
  bool is_everybodys = false;
  // The units that it touches, by name. Empty, and not everybody's: the root's alone.
  std::vector<std::string> units;
};

// Port: what a service knows of whose its records are. Thread-safe.
class RecordScopes {
 public:
  virtual ~RecordScopes() = default;
  // Returns a scope for each of `sealed`, in their order.
  virtual absl::StatusOr<std::vector<Scope>> FindScopes(
      absl::Time deadline, const std::vector<SealedRecord>& sealed) = 0;
};

// A record as the feed keeps it for all who follow.
struct FeedEntry {
  SealedRecord sealed;
  base::Sha256Digest hash = {};
  Scope scope;
};

// Neighbors of the sealed order that are read and handed on together. Immutable; pages of one
// number differ only in how far they were filled.
struct Page {
  int64_t first_sequence = 0;
  // Below `first_sequence` for an empty page.
  int64_t last_sequence = 0;
  std::vector<std::shared_ptr<const FeedEntry>> entries;
  // Those that end within the page.
  std::vector<Block> blocks;
};

}  // namespace quartermaster::records
