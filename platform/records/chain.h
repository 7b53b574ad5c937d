#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "platform/base/sha256.h"
#include "platform/records/record.h"

// The sealed chain: records in one order without gaps, in blocks, each of which covers the one
// before it by its hash. Whoever keeps one hash can tell later whether anything before it was
// changed. Values alone; who stores them is `chain_store.h`.
namespace quartermaster::records {

// A record and its place in the sealed order, from 1.
struct SealedRecord {
  int64_t sequence = 0;
  Record record;

  friend bool operator==(const SealedRecord&, const SealedRecord&) = default;
};

// A run of records that was sealed at once.
struct Block {
  // From 1, without gaps.
  int64_t number = 0;
  int64_t first_sequence = 0;
  int64_t last_sequence = 0;
  absl::Time seal_time;
  // The hash of the block before; zeros for the first.
  base::Sha256Digest previous_hash = {};
  // The head: covers this block's records and all before them.
  base::Sha256Digest hash = {};

  friend bool operator==(const Block&, const Block&) = default;
};

// Hashes a record's canonical form, `record.1`, its sequence included.
base::Sha256Digest HashRecord(const SealedRecord& sealed);

// Hashes a block's canonical form, `block.1`: everything but `block.hash`, and the hashes of its
// records in their order.
base::Sha256Digest HashBlock(const Block& block,
                             const std::vector<base::Sha256Digest>& record_hashes);

// Follows a chain from any block's first record on and finds the first place that does not fit.
// Records and blocks come in the feed's order: a block after its last record. Thread-compatible.
class ChainCheck {
 public:
  struct Misfit {
    // The first sequence that does not fit.
    int64_t sequence = 0;
    // What is wrong there, in words.
    std::string what;
  };

  // Takes the next record in. `told_hash` is what came with it, if anything did.
  std::optional<Misfit> Add(const SealedRecord& sealed,
                            const std::optional<base::Sha256Digest>& told_hash = std::nullopt);
  // Takes the next block in, all of whose records came before.
  std::optional<Misfit> Add(const Block& block);

  // The last block that fitted; none before the first.
  const std::optional<Block>& head() const { return head_; }
  // The last record taken in; 0 before the first.
  int64_t last_sequence() const { return last_sequence_; }
  // Records taken in that no block has covered yet.
  size_t uncovered_count() const { return record_hashes_.size(); }

 private:
  std::optional<Block> head_;
  int64_t last_sequence_ = 0;
  // Of the block to come.
  std::vector<base::Sha256Digest> record_hashes_;
};

}  // namespace quartermaster::records
