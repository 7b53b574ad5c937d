#include "qmctl/verify/verify.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <iterator>
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
  explicit Verification(Heads heads) : heads_(std::move(heads)) {
    verdict_.kept_head_count = static_cast<int64_t>(heads_.size());
  }

  // Returns false once something did not fit.
  bool Add(const SealedRecord& sealed, const std::optional<base::Sha256Digest>& told) {
    if (Note(check_.Add(sealed, told))) return false;
    if (verdict_.record_count++ == 0) verdict_.first_sequence = sealed.sequence;
    verdict_.last_sequence = sealed.sequence;
    return true;
  }

  bool Add(const Block& block) {
    if (Note(check_.Add(block))) return NoteBeginning(block);
    if (verdict_.block_count++ == 0) NoteFirst(block.number);
    // The one before the first block here is told by that alone.
    const bool is_first = verdict_.block_count == 1;
    if (const auto before = heads_.find(block.number - 1);
        is_first && before != heads_.end() && before->second.hash != block.previous_hash) {
      return NoteHead(block.first_sequence, before->first);
    }
    const auto head = heads_.find(block.number);
    if (head == heads_.end()) return true;
    if (head->second.hash != block.hash) {
      return NoteHead(verdict_.vouched_sequence + 1, block.number);
    }
    verdict_.vouched_sequence = block.last_sequence;
    ++verdict_.matched_head_count;
    return true;
  }

  Verdict Finish() {
    verdict_.uncovered_count = static_cast<int64_t>(check_.uncovered_count());
    const int64_t last_block = check_.head().has_value() ? check_.head()->number : 0;
    if (verdict_.misfit_sequence == 0 && verdict_.record_count > 0 && !heads_.empty() &&
        heads_.rbegin()->first > last_block) {
      const Block& kept = heads_.rbegin()->second;
      verdict_.misfit_sequence = check_.head().has_value() ? check_.head()->last_sequence + 1 : 1;
      verdict_.misfit = absl::StrCat("the export ends before block ", kept.number,
                                     ", of which a head was kept: ", "records to ",
                                     kept.last_sequence, " were sealed");
    }
    return verdict_;
  }

 private:
  void NoteFirst(int64_t number) {
    verdict_.first_block = number;
    verdict_.earlier_head_count = std::distance(heads_.begin(), heads_.lower_bound(number));
  }

  // Whoever exported from the middle of a block, or took the heads for the export, may be honest.
  bool NoteBeginning(const Block& block) {
    if (verdict_.block_count > 0) return false;
    if (verdict_.record_count == 0) {
      absl::StrAppend(&verdict_.misfit, "; what --heads wrote is no export, it goes with --heads");
    } else if (block.first_sequence < verdict_.first_sequence) {
      absl::StrAppend(&verdict_.misfit, "; an export begins where a block does: watch --from ",
                      block.first_sequence - 1);
    }
    return false;
  }

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
};

// Goes through the lines of an export, to the first thing that does not fit.
absl::StatusOr<Verdict> VerifyLines(std::istream& exported, Verification verification) {
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

}  // namespace

absl::StatusOr<Verdict> VerifyExport(std::istream& exported, std::istream* heads) {
  Heads kept;
  if (heads != nullptr) {
    absl::StatusOr<Heads> read = ReadHeads(*heads);
    if (!read.ok()) return read.status();
    if (read->empty()) {
      return absl::InvalidArgumentError("heads: there are none in it, so nothing was compared");
    }
    kept = *std::move(read);
  }
  absl::StatusOr<Verdict> verdict = VerifyLines(exported, Verification(std::move(kept)));
  if (!verdict.ok() || verdict->misfit_sequence != 0) return verdict;
  if (verdict->record_count == 0) {
    return absl::InvalidArgumentError(
        "export: there are no records in it, so nothing was verified; did the watch that wrote it "
        "fail?");
  }
  if (heads != nullptr && verdict->matched_head_count == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "heads: none of the ", verdict->kept_head_count, " is of a block in the export, which has ",
        "records ", verdict->first_sequence, " - ", verdict->last_sequence));
  }
  return verdict;
}

}  // namespace quartermaster::qmctl
