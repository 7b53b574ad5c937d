#pragma once

#include <cstddef>
#include <vector>

#include "platform/mysql/rows.h"
#include "platform/mysql/value.h"
#include "platform/records/record.h"

namespace quartermaster::records {

// Returns the statement that appends all of `records`, at least one, in the transaction that runs
// it. They are sealed after it has committed.
mysql::Statement InsertRecords(const std::vector<Record>& records);

// The columns that `ReadRecord` reads, in its order.
inline constexpr char kRecordColumns[] =
    "record_id, record_time, occurred_time, caller, method, resource, request_id, before_hash, "
    "after_hash, trace_id";

// Reads a record whose columns begin at `first`.
Record ReadRecord(const mysql::Row& row, size_t first);

// A digest as a BINARY(32) column holds it, and back.
std::string ToBytes(const base::Sha256Digest& digest);
base::Sha256Digest ToDigest(const std::string& bytes);

}  // namespace quartermaster::records
