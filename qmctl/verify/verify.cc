#include "qmctl/verify/verify.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/records/chain.h"
#include "platform/records/record_codec.h"
#include "quartermaster/type/v1/record.pb.h"

namespace quartermaster::qmctl {
namespace {

using records::Block;
using records::ChainCheck;
using records::SealedRecord;

absl::Status BadLine(absl::string_view file, int line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(file, " line ", line, ": ", what));
}

// Heads by the number of their block.
using Heads = std::map<int64_t, Block>;

absl::StatusOr<Heads> ReadHeads(std::istream& file) {
  Heads heads;
  std::string text;
  for (int line = 1; std::getline(file, text); ++line) {
    if (text.empty()) continue;
    type::v1::RecordBatch batch;
    if (!google::protobuf::util::JsonStringToMessage(text, &batch).ok()) {
      batch.Clear();
      if (!google::protobuf::util::JsonStringToMessage(text, batch.add_blocks()).ok()) {
        return BadLine("heads", line, "is neither a batch nor a block");
      }
    }
    for (const type::v1::RecordBlock& told : batch.blocks()) {
      const std::optional<Block> block = records::ParseBlock(told);
      if (!block.has_value()) return BadLine("heads", line, "has a block that cannot be read");
      heads[block->number] = *block;
    }
  }
  return heads;
}

// Goes through an export once.
class Verification {
 public:
  explicit Verification(Heads heads) : heads_(std::move(heads)) {}

  // Returns false once something did not fit.
  bool Add(const SealedRecord& sealed, const std::optional<base::Sha256Digest>& told) {
    if (Note(check_.Add(sealed, told))) return false;
    if (verdict_.record_count++ == 0) verdict_.first_sequence = sealed.sequence;
    verdict_.last_sequence = sealed.sequence;
    return true;
  }

  bool Add(const Block& block) {
    if (Note(check_.Add(block))) return false;
    ++verdict_.block_count;
    // The one before the first block here is told by that alone.
    const bool is_first = verdict_.block_count == 1;
    if (const auto before = heads_.find(block.number - 1);
        is_first && before != heads_.end() && before->second.hash != block.previous_hash) {
      return NoteHead(block.first_sequence, before->first);
    }
    const auto head = heads_.find(block.number);
    if (head == heads_.end()) return true;
    if (head->second.hash != block.hash) {
      return NoteHead(last_matched_sequence_ + 1, block.number);
    }
    last_matched_sequence_ = block.last_sequence;
    ++verdict_.matched_head_count;
    return true;
  }

  Verdict Finish() {
    verdict_.uncovered_count = static_cast<int64_t>(check_.uncovered_count());
    const int64_t last_block = check_.head().has_value() ? check_.head()->number : 0;
    if (verdict_.misfit_sequence == 0 && !heads_.empty() && heads_.rbegin()->first > last_block) {
      const Block& kept = heads_.rbegin()->second;
      verdict_.misfit_sequence = check_.head().has_value() ? check_.head()->last_sequence + 1 : 1;
      verdict_.misfit = absl::StrCat("the export ends before block ", kept.number,
                                     ", of which a head was kept: ", "records to ",
                                     kept.last_sequence, " were sealed");
    }
    return verdict_;
  }

  int64_t last_sequence() const { return check_.last_sequence(); }

 private:
  bool Note(const std::optional<ChainCheck::Misfit>& misfit) {
    if (!misfit.has_value()) return false;
    verdict_.misfit_sequence = misfit->sequence;
    verdict_.misfit = misfit->what;
    return true;
  }

  bool NoteHead(int64_t sequence, int64_t number) {
    verdict_.misfit_sequence = std::max(sequence, verdict_.first_sequence);
    verdict_.misfit = absl::StrCat("the head of block ", number,
                                   " is not the one that was kept: from here on, or later in that "
                                   "block, the records are not those that were sealed");
    return false;
  }

  const Heads heads_;
  ChainCheck check_;
  Verdict verdict_;
  // To which a head kept elsewhere vouches for the records.
  int64_t last_matched_sequence_ = 0;
};

}  // namespace

absl::StatusOr<Verdict> VerifyExport(std::istream& exported, std::istream* heads) {
  Heads kept;
  if (heads != nullptr) {
    absl::StatusOr<Heads> read = ReadHeads(*heads);
    if (!read.ok()) return read.status();
    kept = *std::move(read);
  }
  Verification verification(std::move(kept));
  std::string text;
  for (int line = 1; std::getline(exported, text); ++line) {
    if (text.empty()) continue;
    type::v1::RecordBatch batch;
    if (!google::protobuf::util::JsonStringToMessage(text, &batch).ok()) {
      return BadLine("export", line, "is not a batch of records");
    }
    std::vector<Block> blocks;
    for (const type::v1::RecordBlock& told : batch.blocks()) {
      const std::optional<Block> block = records::ParseBlock(told);
      if (!block.has_value()) return BadLine("export", line, "has a block that cannot be read");
      blocks.push_back(*block);
    }
    auto block = blocks.begin();
    for (const type::v1::Record& told : batch.records()) {
      const std::optional<SealedRecord> sealed = records::ParseRecord(told);
      if (!sealed.has_value()) return BadLine("export", line, "has a record that cannot be read");
      // A block comes with its last record; one that is late belongs before what follows it.
      for (; block != blocks.end() && block->last_sequence < sealed->sequence; ++block) {
        if (!verification.Add(*block)) return verification.Finish();
      }
      if (!verification.Add(*sealed, records::ParseDigest(told.hash()))) {
        return verification.Finish();
      }
    }
    for (; block != blocks.end(); ++block) {
      if (!verification.Add(*block)) return verification.Finish();
    }
  }
  return verification.Finish();
}

}  // namespace quartermaster::qmctl
