#pragma once

#include <optional>

#include "platform/base/sha256.h"
#include "platform/records/chain.h"
#include "quartermaster/type/v1/record.pb.h"

namespace quartermaster::records {

// Renders a sealed record, and its hash, that of `HashRecord`.
void RenderRecord(const SealedRecord& sealed, const base::Sha256Digest& hash,
                  type::v1::Record& out);
void RenderBlock(const Block& block, type::v1::RecordBlock& out);

// Reads what `RenderRecord` wrote; nothing if a field is not what it must be. The hash is not
// looked at.
std::optional<SealedRecord> ParseRecord(const type::v1::Record& record);
std::optional<Block> ParseBlock(const type::v1::RecordBlock& block);
// Reads a hash of 32 bytes; nothing if it has not as many.
std::optional<base::Sha256Digest> ParseDigest(const std::string& bytes);

}  // namespace quartermaster::records
