#include "qmctl/verify/verify.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/records/chain.h"
#include "platform/records/record_codec.h"
#include "quartermaster/type/v1/record.pb.h"

namespace quartermaster::qmctl {
namespace {

using records::Block;
using records::SealedRecord;
using type::v1::RecordBatch;

constexpr int kBlockSize = 3;

// Records as they were sealed, before anybody touches them.
std::vector<SealedRecord> SomeRecords(int count) {
  std::vector<SealedRecord> records;
  for (int i = 1; i <= count; ++i) {
    SealedRecord sealed{.sequence = i};
    sealed.record.record_id.bytes[15] = static_cast<uint8_t>(i);
    sealed.record.record_time = absl::FromUnixMicros(1'579'996'800'000'000 + i);
    sealed.record.occurred_time = sealed.record.record_time;
    sealed.record.caller = "persons/clerk";
    sealed.record.method = "quartermaster.inventory.v1.Ledger/PostMovement";
    sealed.record.resource = absl::StrCat("movements/", i);
    records.push_back(sealed);
  }
  return records;
}

// Seals records in blocks of three, and renders each block as one batch.
std::vector<RecordBatch> Seal(const std::vector<SealedRecord>& records) {
  std::vector<RecordBatch> batches;
  base::Sha256Digest previous = {};
  for (size_t at = 0; at < records.size(); at += kBlockSize) {
    Block block{.number = static_cast<int64_t>(batches.size()) + 1,
                .first_sequence = records[at].sequence,
                .last_sequence = records[at].sequence + kBlockSize - 1,
                .seal_time = absl::FromUnixSeconds(1'579'996'900),
                .previous_hash = previous};
    std::vector<base::Sha256Digest> hashes;
    RecordBatch& batch = batches.emplace_back();
    for (size_t i = at; i < at + kBlockSize; ++i) {
      hashes.push_back(HashRecord(records[i]));
      records::RenderRecord(records[i], hashes.back(), *batch.add_records());
    }
    block.hash = previous = HashBlock(block, hashes);
    records::RenderBlock(block, *batch.add_blocks());
    batch.set_sequence(block.last_sequence);
  }
  return batches;
}

std::string ToLines(const std::vector<RecordBatch>& batches) {
  std::string lines;
  for (const RecordBatch& batch : batches) {
    std::string json;
    EXPECT_TRUE(google::protobuf::util::MessageToJsonString(batch, &json).ok());
    absl::StrAppend(&lines, json, "\n");
  }
  return lines;
}

// Heads alone, as somebody else keeps them: of every `step`-th block.
std::string HeadsOf(const std::vector<RecordBatch>& batches, size_t step = 1) {
  std::string lines;
  for (size_t i = 0; i < batches.size(); i += step) {
    std::string json;
    EXPECT_TRUE(google::protobuf::util::MessageToJsonString(batches[i].blocks(0), &json).ok());
    absl::StrAppend(&lines, json, "\n");
  }
  return lines;
}

Verdict Verify(const std::vector<RecordBatch>& batches, const std::string& heads = "") {
  std::istringstream exported(ToLines(batches));
  std::istringstream kept(heads);
  const absl::StatusOr<Verdict> verdict = VerifyExport(exported, heads.empty() ? nullptr : &kept);
  EXPECT_TRUE(verdict.ok()) << verdict.status();
  return verdict.value_or(Verdict());
}

TEST(VerifyExportTest, TakesWhatIsWhole) {
  const std::vector<RecordBatch> batches = Seal(SomeRecords(12));

  const Verdict verdict = Verify(batches, HeadsOf(batches, 2));

  EXPECT_EQ(verdict.misfit_sequence, 0) << verdict.misfit;
  EXPECT_EQ(verdict.record_count, 12);
  EXPECT_EQ(verdict.block_count, 4);
  EXPECT_EQ(verdict.matched_head_count, 2);
  EXPECT_EQ(verdict.uncovered_count, 0);
}

TEST(VerifyExportTest, TakesAnExportFromAnyBlockOn) {
  const std::vector<RecordBatch> batches = Seal(SomeRecords(12));

  const Verdict verdict = Verify({batches.begin() + 2, batches.end()}, HeadsOf(batches));

  EXPECT_EQ(verdict.misfit_sequence, 0) << verdict.misfit;
  EXPECT_EQ(verdict.first_sequence, 7);
  EXPECT_EQ(verdict.first_block, 3);
  EXPECT_EQ(verdict.matched_head_count, 2);
  EXPECT_EQ(verdict.kept_head_count, 4);
  EXPECT_EQ(verdict.earlier_head_count, 2);
}

TEST(VerifyExportTest, SaysWhereAnExportMayBegin) {
  std::vector<RecordBatch> batches = Seal(SomeRecords(12));
  batches.erase(batches.begin());
  batches[0].mutable_records()->DeleteSubrange(0, 1);
  EXPECT_THAT(Verify(batches).misfit,
              testing::HasSubstr("begins where a block does: watch --from 3"));

  batches[0].clear_records();
  EXPECT_THAT(Verify(batches).misfit, testing::HasSubstr("what --heads wrote is no export"));
}

TEST(VerifyExportTest, SaysToWhereHeadsVouch) {
  const std::vector<RecordBatch> batches = Seal(SomeRecords(12));

  EXPECT_EQ(Verify(batches, HeadsOf(batches, 2)).vouched_sequence, 9);
  EXPECT_EQ(Verify(batches).vouched_sequence, 0);
}

// What a watch that failed leaves must not pass for something verified.
TEST(VerifyExportTest, RefusesToJudgeNothing) {
  const std::vector<RecordBatch> batches = Seal(SomeRecords(12));
  const std::string whole = ToLines(batches);
  const std::string later = ToLines({batches.begin() + 2, batches.end()});
  const std::string first_head = HeadsOf(batches, batches.size());
  const std::vector<std::tuple<std::string, std::string, std::string>> cases = {
      {"", HeadsOf(batches), "no records"}, {"\n{}\n", "none kept", "no records"},
      {whole, "", "there are none"},        {whole, "{}\n", "there are none"},
      {later, first_head, "none of the 1"},
  };
  for (const auto& [exported_text, heads_text, words] : cases) {
    std::istringstream exported(exported_text);
    std::istringstream heads(heads_text);
    const absl::StatusOr<Verdict> verdict =
        VerifyExport(exported, heads_text == "none kept" ? nullptr : &heads);

    EXPECT_EQ(verdict.status().code(), absl::StatusCode::kInvalidArgument) << words;
    EXPECT_THAT(std::string(verdict.status().message()), ::testing::HasSubstr(words));
  }
}

TEST(VerifyExportTest, NamesTheFirstSequenceThatDoesNotFit) {
  using Tamper = std::function<void(std::vector<RecordBatch>&)>;
  const std::vector<std::tuple<const char*, int64_t, Tamper>> cases = {
      {"a record changed", 5,
       [](auto& b) { b[1].mutable_records(1)->set_caller("persons/other"); }},
      {"a record and its hash changed", 4,
       [](auto& b) {
         type::v1::Record& record = *b[1].mutable_records(1);
         record.set_caller("persons/other");
         const SealedRecord sealed = *records::ParseRecord(record);
         records::RenderRecord(sealed, records::HashRecord(sealed), record);
       }},
      {"a record gone", 5, [](auto& b) { b[1].mutable_records()->DeleteSubrange(1, 1); }},
      {"records in another order", 4, [](auto& b) { b[1].mutable_records()->SwapElements(0, 1); }},
      {"records that swapped their places in the order", 4,
       [](auto& b) {
         b[1].mutable_records(0)->set_sequence(5);
         b[1].mutable_records(1)->set_sequence(4);
         b[1].mutable_records()->SwapElements(0, 1);
       }},
      {"a block gone", 4, [](auto& b) { b[1].clear_blocks(); }},
      {"a block with its records gone", 4, [](auto& b) { b.erase(b.begin() + 1); }},
      {"blocks in another order", 4, [](auto& b) { std::swap(b[1], b[2]); }},
      {"another hash of a block", 4,
       [](auto& b) { b[1].mutable_blocks(0)->mutable_hash()->back() ^= 1; }},
  };
  for (const auto& [name, sequence, tamper] : cases) {
    std::vector<RecordBatch> batches = Seal(SomeRecords(12));
    tamper(batches);

    EXPECT_EQ(Verify(batches).misfit_sequence, sequence) << name;
  }
}

// Goal: who can write every table can make the chain anew; only a head kept elsewhere tells.
TEST(VerifyExportTest, FindsAChainMadeAnewByAHeadKeptElsewhere) {
  std::vector<SealedRecord> records = SomeRecords(12);
  const std::vector<RecordBatch> honest = Seal(records);
  records[7].record.caller = "persons/other";
  const std::vector<RecordBatch> forged = Seal(records);

  EXPECT_EQ(Verify(forged).misfit_sequence, 0);
  // Every head kept: the block is named.
  EXPECT_EQ(Verify(forged, HeadsOf(honest)).misfit_sequence, 7);
  // One in three kept, of blocks 1 and 4: what follows the last that fits.
  EXPECT_EQ(Verify(forged, HeadsOf(honest, 3)).misfit_sequence, 4);
}

TEST(VerifyExportTest, FindsAnEndThatWasCutOff) {
  const std::vector<RecordBatch> batches = Seal(SomeRecords(12));

  const Verdict verdict = Verify({batches.begin(), batches.begin() + 2}, HeadsOf(batches));

  EXPECT_EQ(verdict.misfit_sequence, 7);
}

TEST(VerifyExportTest, SaysHowMuchNoBlockCovers) {
  std::vector<RecordBatch> batches = Seal(SomeRecords(6));
  batches[1].clear_blocks();

  const Verdict verdict = Verify(batches);

  EXPECT_EQ(verdict.misfit_sequence, 0);
  EXPECT_EQ(verdict.uncovered_count, 3);
}

TEST(VerifyExportTest, RefusesWhatIsNoExport) {
  std::istringstream exported("{}\nsequence,caller\n");

  const absl::StatusOr<Verdict> verdict = VerifyExport(exported, nullptr);

  EXPECT_EQ(verdict.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(verdict.status().message()), ::testing::HasSubstr("line 2"));
}

}  // namespace
}  // namespace quartermaster::qmctl
