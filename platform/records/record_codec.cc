#include "platform/records/record_codec.h"

#include <algorithm>

namespace quartermaster::records {
namespace {

void RenderTime(absl::Time time, google::protobuf::Timestamp& out) {
  const int64_t micros = absl::ToUnixMicros(time);
  // Rounded down, so that times before 1970 keep their nanoseconds positive.
  const int64_t seconds = micros / 1'000'000 - (micros % 1'000'000 < 0 ? 1 : 0);
  out.set_seconds(seconds);
  out.set_nanos(static_cast<int32_t>((micros - seconds * 1'000'000) * 1000));
}

std::string Bytes(const base::Sha256Digest& digest) {
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

std::optional<absl::Time> ParseTime(const google::protobuf::Timestamp& time) {
  if (time.nanos() < 0 || time.nanos() >= 1'000'000'000 || time.nanos() % 1000 != 0) {
    return std::nullopt;
  }
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

}  // namespace

void RenderRecord(const SealedRecord& sealed, const base::Sha256Digest& hash,
                  type::v1::Record& out) {
  const Record& record = sealed.record;
  out.set_sequence(sealed.sequence);
  out.set_record_id(record.record_id.ToString());
  RenderTime(record.record_time, *out.mutable_record_time());
  RenderTime(record.occurred_time, *out.mutable_occurred_time());
  out.set_caller(record.caller);
  out.set_method(record.method);
  out.set_resource(record.resource);
  out.set_request_id(record.request_id.ToString());
  if (record.before_hash.has_value()) out.set_before_hash(Bytes(*record.before_hash));
  out.set_after_hash(Bytes(record.after_hash));
  out.set_trace_id(record.trace_id);
  out.set_hash(Bytes(hash));
}

void RenderBlock(const Block& block, type::v1::RecordBlock& out) {
  out.set_number(block.number);
  out.set_first_sequence(block.first_sequence);
  out.set_last_sequence(block.last_sequence);
  RenderTime(block.seal_time, *out.mutable_seal_time());
  out.set_previous_hash(Bytes(block.previous_hash));
  out.set_hash(Bytes(block.hash));
}

std::optional<SealedRecord> ParseRecord(const type::v1::Record& record) {
  const std::optional<base::Uuid> id = base::Uuid::Parse(record.record_id());
  const std::optional<base::Uuid> request_id = base::Uuid::Parse(record.request_id());
  const std::optional<absl::Time> record_time = ParseTime(record.record_time());
  const std::optional<absl::Time> occurred_time = ParseTime(record.occurred_time());
  const std::optional<base::Sha256Digest> after = ParseDigest(record.after_hash());
  std::optional<base::Sha256Digest> before;
  if (!record.before_hash().empty()) {
    before = ParseDigest(record.before_hash());
    if (!before.has_value()) return std::nullopt;
  }
  if (!id || !request_id || !record_time || !occurred_time || !after) return std::nullopt;
  return SealedRecord{.sequence = record.sequence(),
                      .record = {.record_id = *id,
                                 .record_time = *record_time,
                                 .occurred_time = *occurred_time,
                                 .caller = record.caller(),
                                 .method = record.method(),
                                 .resource = record.resource(),
                                 .request_id = *request_id,
                                 .before_hash = before,
                                 .after_hash = *after,
                                 .trace_id = record.trace_id()}};
}

std::optional<Block> ParseBlock(const type::v1::RecordBlock& block) {
  const std::optional<absl::Time> seal_time = ParseTime(block.seal_time());
  const std::optional<base::Sha256Digest> previous = ParseDigest(block.previous_hash());
  const std::optional<base::Sha256Digest> hash = ParseDigest(block.hash());
  if (!seal_time || !previous || !hash) return std::nullopt;
  return Block{.number = block.number(),
               .first_sequence = block.first_sequence(),
               .last_sequence = block.last_sequence(),
               .seal_time = *seal_time,
               .previous_hash = *previous,
               .hash = *hash};
}

std::optional<base::Sha256Digest> ParseDigest(const std::string& bytes) {
  base::Sha256Digest digest = {};
  if (bytes.size() != digest.size()) return std::nullopt;
  std::ranges::copy(bytes, digest.begin());
  return digest;
}

}  // namespace quartermaster::records
