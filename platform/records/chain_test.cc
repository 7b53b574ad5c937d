#include "platform/records/chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace quartermaster::records {
namespace {

constexpr int kBlockSize = 3;

SealedRecord ARecord(int64_t sequence) {
  SealedRecord sealed{.sequence = sequence};
  sealed.record.record_id.bytes[15] = static_cast<uint8_t>(sequence);
  sealed.record.record_time = absl::FromUnixMicros(1'579'996'800'000'000 + sequence);
  sealed.record.occurred_time = sealed.record.record_time - absl::Hours(1);
  sealed.record.caller = "persons/clerk";
  sealed.record.method = "quartermaster.inventory.v1.Ledger/PostMovement";
  sealed.record.resource = absl::StrCat("movements/", sequence);
  sealed.record.after_hash = base::Sha256(sealed.record.resource);
  return sealed;
}

// A chain of blocks of three records each, as a feed hands it out.
struct Chain {
  std::vector<SealedRecord> records;
  std::vector<Block> blocks;
};

Chain AChain(int block_count) {
  Chain chain;
  base::Sha256Digest previous = {};
  for (int number = 1; number <= block_count; ++number) {
    Block block{.number = number,
                .first_sequence = (number - 1) * kBlockSize + 1,
                .last_sequence = number * kBlockSize,
                .seal_time = absl::FromUnixSeconds(1'579'996'900 + number),
                .previous_hash = previous};
    std::vector<base::Sha256Digest> hashes;
    for (int64_t at = block.first_sequence; at <= block.last_sequence; ++at) {
      chain.records.push_back(ARecord(at));
      hashes.push_back(HashRecord(chain.records.back()));
    }
    block.hash = HashBlock(block, hashes);
    previous = block.hash;
    chain.blocks.push_back(block);
  }
  return chain;
}

// Returns the sequence that does not fit; 0 if all do.
int64_t FindMisfit(const Chain& chain) {
  ChainCheck check;
  size_t block = 0;
  for (const SealedRecord& record : chain.records) {
    if (const auto misfit = check.Add(record)) return misfit->sequence;
    while (block < chain.blocks.size() && chain.blocks[block].last_sequence <= record.sequence) {
      if (const auto misfit = check.Add(chain.blocks[block++])) return misfit->sequence;
    }
  }
  return 0;
}

TEST(ChainCheckTest, TakesAWholeChainFromItsBeginning) { EXPECT_EQ(FindMisfit(AChain(4)), 0); }

TEST(ChainCheckTest, TakesAChainFromAnyBlockOn) {
  Chain chain = AChain(4);
  chain.records.erase(chain.records.begin(), chain.records.begin() + kBlockSize);
  chain.blocks.erase(chain.blocks.begin());

  EXPECT_EQ(FindMisfit(chain), 0);
}

// Goal: whatever part of a record is changed, its block does not fit any more.
// Method: one change to each field in turn.
TEST(ChainCheckTest, FindsAChangeOfAnyField) {
  using Change = void (*)(SealedRecord&);
  const std::vector<std::pair<const char*, Change>> changes = {
      {"record_id", [](SealedRecord& s) { s.record.record_id.bytes[0] ^= 1; }},
      {"record_time", [](SealedRecord& s) { s.record.record_time += absl::Microseconds(1); }},
      {"occurred_time", [](SealedRecord& s) { s.record.occurred_time += absl::Microseconds(1); }},
      {"caller", [](SealedRecord& s) { s.record.caller = "persons/other"; }},
      {"method", [](SealedRecord& s) { s.record.method += "s"; }},
      {"resource", [](SealedRecord& s) { s.record.resource += "0"; }},
      {"request_id", [](SealedRecord& s) { s.record.request_id.bytes[15] ^= 1; }},
      {"before_hash", [](SealedRecord& s) { s.record.before_hash.emplace(); }},
      {"after_hash", [](SealedRecord& s) { s.record.after_hash[31] ^= 1; }},
      {"trace_id", [](SealedRecord& s) { s.record.trace_id = "1"; }},
  };
  for (const auto& [name, change] : changes) {
    Chain chain = AChain(3);
    change(chain.records[4]);

    EXPECT_EQ(FindMisfit(chain), 4) << name;
  }
}

TEST(ChainCheckTest, NamesTheVeryRecordWhenItsHashCameWithIt) {
  const Chain chain = AChain(1);
  ChainCheck check;
  SealedRecord changed = chain.records[1];
  changed.record.caller = "persons/other";

  EXPECT_FALSE(check.Add(chain.records[0], HashRecord(chain.records[0])).has_value());
  const auto misfit = check.Add(changed, HashRecord(chain.records[1]));
  ASSERT_TRUE(misfit.has_value());
  EXPECT_EQ(misfit->sequence, 2);
}

TEST(ChainCheckTest, FindsARecordThatIsMissingOrTwice) {
  Chain missing = AChain(3);
  missing.records.erase(missing.records.begin() + 4);
  EXPECT_EQ(FindMisfit(missing), 5);

  Chain twice = AChain(3);
  twice.records.insert(twice.records.begin() + 4, twice.records[3]);
  EXPECT_EQ(FindMisfit(twice), 5);
}

TEST(ChainCheckTest, FindsRecordsThatChangedPlaces) {
  Chain chain = AChain(3);
  std::swap(chain.records[3].record, chain.records[4].record);

  EXPECT_EQ(FindMisfit(chain), 4);
}

TEST(ChainCheckTest, FindsABlockThatIsMissingOrOutOfOrder) {
  Chain missing = AChain(3);
  missing.blocks.erase(missing.blocks.begin() + 1);
  EXPECT_EQ(FindMisfit(missing), 4);

  Chain swapped = AChain(3);
  std::swap(swapped.blocks[1], swapped.blocks[2]);
  EXPECT_EQ(FindMisfit(swapped), 4);
}

TEST(ChainCheckTest, FindsABlockThatWasMadeAnewOverChangedRecords) {
  Chain chain = AChain(3);
  chain.records[4].record.caller = "persons/other";
  std::vector<base::Sha256Digest> hashes;
  for (int i = 3; i < 6; ++i) hashes.push_back(HashRecord(chain.records[i]));
  chain.blocks[1].hash = HashBlock(chain.blocks[1], hashes);

  // The block itself fits now; the one after it tells.
  EXPECT_EQ(FindMisfit(chain), 7);
}

TEST(ChainCheckTest, FindsAChangeOfABlocksOwnFields) {
  Chain time = AChain(3);
  time.blocks[1].seal_time += absl::Microseconds(1);
  EXPECT_EQ(FindMisfit(time), 4);

  Chain number = AChain(3);
  number.blocks[1].number = 7;
  EXPECT_EQ(FindMisfit(number), 4);

  // A block that pretends to be the first.
  Chain first = AChain(3);
  first.records.erase(first.records.begin(), first.records.begin() + kBlockSize);
  first.blocks.erase(first.blocks.begin());
  first.blocks[0].number = 1;
  EXPECT_EQ(FindMisfit(first), 4);
}

// What was sealed once must hash the same for ever: this value may never change.
TEST(ChainCheckTest, HashesAsItAlwaysDid) {
  const Chain chain = AChain(2);

  EXPECT_EQ(base::ToHex(chain.blocks[1].hash),
            "5eff9b441cc0290caf668d7ac890c8ae3c8df3a6681efc292be467e1fe15e993");
}

}  // namespace
}  // namespace quartermaster::records
