#include "platform/records/chain.h"

#include "absl/strings/str_cat.h"
#include "platform/values/canonical.h"

namespace quartermaster::records {
namespace {

std::string Bytes(const base::Sha256Digest& digest) {
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

// A block as it is hashed.
struct HashedBlock {
  Block block;
  std::vector<std::string> record_hashes;
};

template <typename V>
void VisitFields(V& visit, HashedBlock& hashed) {
  Block& block = hashed.block;
  std::string previous_hash = Bytes(block.previous_hash);
  visit(block.number, block.first_sequence, block.last_sequence, block.seal_time, previous_hash,
        hashed.record_hashes);
}

// A record as it is hashed.
struct HashedRecord {
  SealedRecord sealed;
};

template <typename V>
void VisitFields(V& visit, HashedRecord& hashed) {
  Record& record = hashed.sealed.record;
  std::optional<std::string> before;
  if (record.before_hash.has_value()) before = Bytes(*record.before_hash);
  std::string after = Bytes(record.after_hash);
  visit(hashed.sealed.sequence, record.record_id, record.record_time, record.occurred_time,
        record.caller, record.method, record.resource, record.request_id, before, after,
        record.trace_id);
}

}  // namespace

base::Sha256Digest HashRecord(const SealedRecord& sealed) {
  return canonical::Hash("record.1", HashedRecord{sealed});
}

base::Sha256Digest HashBlock(const Block& block,
                             const std::vector<base::Sha256Digest>& record_hashes) {
  HashedBlock hashed{.block = block};
  hashed.record_hashes.reserve(record_hashes.size());
  for (const base::Sha256Digest& hash : record_hashes) hashed.record_hashes.push_back(Bytes(hash));
  return canonical::Hash("block.1", hashed);
}

std::optional<ChainCheck::Misfit> ChainCheck::Add(
    const SealedRecord& sealed, const std::optional<base::Sha256Digest>& told_hash) {
  const bool is_first = last_sequence_ == 0;
  if (is_first ? sealed.sequence < 1 : sealed.sequence != last_sequence_ + 1) {
    return Misfit{last_sequence_ + 1,
                  absl::StrCat("record ", last_sequence_ + 1,
                               " is missing: what follows says it is ", sealed.sequence)};
  }
  const base::Sha256Digest hash = HashRecord(sealed);
  if (told_hash.has_value() && *told_hash != hash) {
    return Misfit{sealed.sequence,
                  absl::StrCat("record ", sealed.sequence, " is not what its hash was made from")};
  }
  last_sequence_ = sealed.sequence;
  record_hashes_.push_back(hash);
  return std::nullopt;
}

std::optional<ChainCheck::Misfit> ChainCheck::Add(const Block& block) {
  const int64_t first = last_sequence_ + 1 - static_cast<int64_t>(record_hashes_.size());
  if (block.first_sequence != first || block.last_sequence != last_sequence_) {
    return Misfit{first, absl::StrCat("block ", block.number, " says it holds records ",
                                      block.first_sequence, " to ", block.last_sequence,
                                      "; those before it are ", first, " to ", last_sequence_)};
  }
  if (head_.has_value() &&
      (block.number != head_->number + 1 || block.previous_hash != head_->hash)) {
    return Misfit{first, absl::StrCat("block ", block.number, " does not follow block ",
                                      head_->number, " as that is here")};
  }
  const bool is_first = block.first_sequence == 1;
  if (is_first != (block.number == 1) ||
      is_first != (block.previous_hash == base::Sha256Digest{})) {
    return Misfit{first, absl::StrCat("block ", block.number, " is not where a chain begins")};
  }
  if (HashBlock(block, record_hashes_) != block.hash) {
    return Misfit{first, absl::StrCat("the hash of block ", block.number,
                                      " does not cover records ", block.first_sequence, " to ",
                                      block.last_sequence, " as they are here")};
  }
  head_ = block;
  record_hashes_.clear();
  return std::nullopt;
}

}  // namespace quartermaster::records
