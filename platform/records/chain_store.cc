#include "platform/records/chain_store.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/transaction.h"
#include "platform/records/record_rows.h"
#include "platform/status/error.h"

namespace quartermaster::records {
namespace {

constexpr char kDeposed[] = "SEALER_DEPOSED";

// FIELD compares each row with each id before its own, so long lists are slow.
constexpr size_t kRecordsPerUpdate = 50;

constexpr char kBlockColumns[] =
    "number, first_sequence, last_sequence, seal_time, previous_hash, hash";

Block ReadBlock(const mysql::Row& row) {
  return {.number = static_cast<int64_t>(row.Uint64(0)),
          .first_sequence = static_cast<int64_t>(row.Uint64(1)),
          .last_sequence = static_cast<int64_t>(row.Uint64(2)),
          .seal_time = row.Time(3),
          .previous_hash = ToDigest(row.String(4)),
          .hash = ToDigest(row.String(5))};
}

absl::Status Deposed(int64_t epoch) {
  return status::MakeError(
      absl::StatusCode::kFailedPrecondition,
      absl::StrCat("the lease of epoch ", epoch, " was taken over: another seals now"),
      {.reason = kDeposed, .metadata = {{"epoch", absl::StrCat(epoch)}}});
}

// Gives the records of `draft` from `at` on their sequences.
std::string NumberRecordsSql(const BlockDraft& draft, size_t at, size_t count) {
  std::string ids;
  for (size_t i = at; i < at + count; ++i) {
    absl::StrAppend(&ids, i == at ? "" : ",", "x'",
                    base::ToHex(draft.records[i].record.record_id.ToBytes()), "'");
  }
  // By the primary key alone: by the index of what is not sealed it would wait for the rows of
  // everybody who is writing.
  return absl::StrCat(
      "UPDATE records FORCE INDEX (PRIMARY) SET sequence = ", draft.records[at].sequence - 1,
      " + FIELD(record_id, ", ids, ") WHERE record_id IN (", ids, ") AND sequence IS NULL");
}

absl::Status WriteBlock(mysql::Connection& connection, int64_t epoch, const BlockDraft& draft) {
  const Block& block = draft.block;
  QM_RETURN_IF_ERROR(
      connection
          .Execute("INSERT INTO record_blocks (number, first_sequence, last_sequence, seal_time, "
                   "previous_hash, hash, epoch) VALUES (?, ?, ?, ?, ?, ?, ?)",
                   {block.number, block.first_sequence, block.last_sequence, block.seal_time,
                    ToBytes(block.previous_hash), ToBytes(block.hash), epoch})
          .status());
  std::vector<mysql::Statement> statements;
  for (size_t at = 0; at < draft.records.size(); at += kRecordsPerUpdate) {
    const size_t count = std::min(kRecordsPerUpdate, draft.records.size() - at);
    statements.push_back({.sql = NumberRecordsSql(draft, at, count)});
    statements.push_back({.sql = "SELECT ROW_COUNT()"});
  }
  QM_ASSIGN_OR_RETURN(const std::vector<mysql::Rows> results, connection.ExecuteBatch(statements));
  int64_t numbered = 0;
  for (size_t i = 1; i < results.size(); i += 2) numbered += results[i][0].Int64(0);
  if (numbered == static_cast<int64_t>(draft.records.size())) return absl::OkStatus();
  return status::Internal(absl::StrCat("of ", draft.records.size(), " records to seal from ",
                                       block.first_sequence, " on, only ", numbered,
                                       " were there and not sealed"));
}

}  // namespace

absl::StatusOr<std::optional<int64_t>> TakeLease(mysql::Connection& connection,
                                                 const base::Uuid& holder,
                                                 absl::Duration lease_time) {
  constexpr char kSelect[] =
      "SELECT epoch, holder = ? OR end_time <= UTC_TIMESTAMP(6) FROM sealer_lease WHERE "
      "lease_id = 1";
  QM_ASSIGN_OR_RETURN(mysql::Rows lease, connection.Query(kSelect, {holder.ToBytes()}));
  if (lease.empty()) {
    QM_RETURN_IF_ERROR(connection
                           .Execute("INSERT IGNORE INTO sealer_lease (lease_id, epoch, holder, "
                                    "end_time) VALUES (1, 0, ?, '1970-01-01 00:00:00')",
                                    {base::Uuid().ToBytes()})
                           .status());
    QM_ASSIGN_OR_RETURN(lease, connection.Query(kSelect, {holder.ToBytes()}));
  }
  if (lease.empty() || lease[0].Int64(1) == 0) return std::nullopt;
  const int64_t epoch = static_cast<int64_t>(lease[0].Uint64(0));
  // Of several who saw it free, one finds the epoch as it was.
  QM_ASSIGN_OR_RETURN(
      const int64_t taken,
      connection.Execute(
          "UPDATE sealer_lease SET epoch = ?, holder = ?, end_time = "
          "UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND WHERE lease_id = 1 AND "
          "epoch = ?",
          {epoch + 1, holder.ToBytes(), absl::ToInt64Microseconds(lease_time), epoch}));
  if (taken != 1) return std::nullopt;
  return epoch + 1;
}

absl::Status RenewLease(mysql::Connection& connection, int64_t epoch, absl::Duration lease_time) {
  QM_ASSIGN_OR_RETURN(
      const int64_t renewed,
      connection.Execute("UPDATE sealer_lease SET end_time = UTC_TIMESTAMP(6) + INTERVAL ? "
                         "MICROSECOND WHERE lease_id = 1 AND epoch = ?",
                         {absl::ToInt64Microseconds(lease_time), epoch}));
  return renewed == 1 ? absl::OkStatus() : Deposed(epoch);
}

absl::Status ReleaseLease(mysql::Connection& connection, int64_t epoch) {
  return connection
      .Execute(
          "UPDATE sealer_lease SET end_time = '1970-01-01 00:00:00' WHERE lease_id = 1 AND "
          "epoch = ?",
          {epoch})
      .status();
}

absl::StatusOr<std::optional<BlockDraft>> DraftBlock(mysql::Pool& pool, absl::Time deadline,
                                                     int records_max, absl::Time now) {
  std::optional<Block> head;
  mysql::Rows rows;
  QM_RETURN_IF_ERROR(
      mysql::InSnapshot(pool, deadline, [&](mysql::Connection& connection) -> absl::Status {
        QM_ASSIGN_OR_RETURN(head, FindHead(connection));
        QM_ASSIGN_OR_RETURN(
            rows, connection.Query(absl::StrCat("SELECT ", kRecordColumns,
                                                " FROM records FORCE INDEX (ix_records_unsealed) "
                                                "WHERE sequence IS NULL ORDER BY record_time, "
                                                "record_id LIMIT ",
                                                records_max)));
        return absl::OkStatus();
      }));
  if (rows.empty()) return std::nullopt;
  BlockDraft draft;
  draft.block = {.number = 1, .first_sequence = 1, .seal_time = now};
  if (head.has_value()) {
    draft.block.number = head->number + 1;
    draft.block.first_sequence = head->last_sequence + 1;
    draft.block.seal_time = std::max(now, head->seal_time);
    draft.block.previous_hash = head->hash;
  }
  std::vector<base::Sha256Digest> hashes;
  int64_t sequence = draft.block.first_sequence;
  for (const mysql::Row row : rows) {
    draft.records.push_back({.sequence = sequence++, .record = ReadRecord(row, 0)});
    hashes.push_back(HashRecord(draft.records.back()));
  }
  draft.block.last_sequence = sequence - 1;
  draft.block.hash = HashBlock(draft.block, hashes);
  return draft;
}

absl::Status StoreBlock(mysql::Pool& pool, absl::Time deadline, int64_t epoch,
                        absl::Duration lease_time, const BlockDraft& draft) {
  return mysql::InTransaction(pool, deadline, [&](mysql::Connection& connection) -> absl::Status {
    QM_RETURN_IF_ERROR(RenewLease(connection, epoch, lease_time));
    // A COMMIT whose answer was lost is run again: then the block is there already.
    QM_ASSIGN_OR_RETURN(
        const mysql::Rows stored,
        connection.Query("SELECT hash FROM record_blocks WHERE number = ?", {draft.block.number}));
    if (!stored.empty() && ToDigest(stored[0].String(0)) == draft.block.hash) {
      return absl::OkStatus();
    }
    return WriteBlock(connection, epoch, draft);
  });
}

bool IsDeposed(const absl::Status& status) { return status::GetReason(status) == kDeposed; }

absl::StatusOr<std::optional<Block>> FindHead(mysql::Connection& connection) {
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                      connection.Query(absl::StrCat("SELECT ", kBlockColumns,
                                                    " FROM record_blocks ORDER BY number DESC "
                                                    "LIMIT 1")));
  if (rows.empty()) return std::nullopt;
  return ReadBlock(rows[0]);
}

absl::StatusOr<std::vector<SealedRecord>> ReadSealed(mysql::Connection& connection, int64_t first,
                                                     int64_t last) {
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                      connection.Query(absl::StrCat("SELECT sequence, ", kRecordColumns,
                                                    " FROM records FORCE INDEX "
                                                    "(uk_records_sequence) WHERE sequence "
                                                    "BETWEEN ? AND ? ORDER BY sequence"),
                                       {first, last}));
  std::vector<SealedRecord> records;
  records.reserve(rows.size());
  for (const mysql::Row row : rows) {
    records.push_back(
        {.sequence = static_cast<int64_t>(row.Uint64(0)), .record = ReadRecord(row, 1)});
  }
  return records;
}

absl::StatusOr<std::vector<Block>> ReadBlocks(mysql::Connection& connection, int64_t first,
                                              int64_t last, int limit) {
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                      connection.Query(absl::StrCat("SELECT ", kBlockColumns,
                                                    " FROM record_blocks WHERE last_sequence "
                                                    "BETWEEN ? AND ? ORDER BY last_sequence "
                                                    "LIMIT ?"),
                                       {first, last, int64_t{limit}}));
  std::vector<Block> blocks;
  for (const mysql::Row row : rows) blocks.push_back(ReadBlock(row));
  return blocks;
}

absl::StatusOr<std::vector<Block>> ReadBlocksAfter(mysql::Connection& connection, int64_t number,
                                                   int limit) {
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                      connection.Query(absl::StrCat("SELECT ", kBlockColumns,
                                                    " FROM record_blocks WHERE number > ? ORDER BY "
                                                    "number LIMIT ?"),
                                       {number, int64_t{limit}}));
  std::vector<Block> blocks;
  for (const mysql::Row row : rows) blocks.push_back(ReadBlock(row));
  return blocks;
}

}  // namespace quartermaster::records
