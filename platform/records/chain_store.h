#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/base/uuid.h"
#include "platform/mysql/connection.h"
#include "platform/mysql/pool.h"
#include "platform/records/chain.h"

// The sealed chain in the database, and the lease under which it grows. Who calls these in which
// order is `sealer.h` for writing and `feed.h` for reading.
namespace quartermaster::records {

// A block that could be sealed next, and its records in their order.
struct BlockDraft {
  Block block;
  std::vector<SealedRecord> records;
};

// Takes the lease if it is free, has run out, or is `holder`'s already. Returns its new epoch;
// nothing if another holds it. Time is the database's, so clocks of replicas may differ.
absl::StatusOr<std::optional<int64_t>> TakeLease(mysql::Connection& connection,
                                                 const base::Uuid& holder,
                                                 absl::Duration lease_time);

// Holds on to the lease of `epoch` for another `lease_time`. `SEALER_DEPOSED` as in `StoreBlock`.
absl::Status RenewLease(mysql::Connection& connection, int64_t epoch, absl::Duration lease_time);

// Ends the lease of `epoch`, if it is still held, so that another need not wait for its end.
absl::Status ReleaseLease(mysql::Connection& connection, int64_t epoch);

// Reads what is committed and not sealed, at most `records_max`, ordered by (`record_time`, id),
// and makes a block of it after the head. Nothing if nothing waits.
//
// All of it is read from one snapshot, which cannot show a transaction and hide one that had
// committed before it (docs/adr/0040). So with a record come all those that it rests on: they
// committed first, and their `record_time` is earlier.
absl::StatusOr<std::optional<BlockDraft>> DraftBlock(mysql::Pool& pool, absl::Time deadline,
                                                     int records_max, absl::Time now);

// Seals `draft` in one transaction, which begins by renewing the lease. FAILED_PRECONDITION,
// `SEALER_DEPOSED`, having changed nothing, if the lease's epoch is not `epoch` any more: another
// seals now. Any other error leaves open whether it was sealed; the next draft tells.
absl::Status StoreBlock(mysql::Pool& pool, absl::Time deadline, int64_t epoch,
                        absl::Duration lease_time, const BlockDraft& draft);

// Tells whether an error says that another seals now.
bool IsDeposed(const absl::Status& status);

// Returns the last block; nothing before the first.
absl::StatusOr<std::optional<Block>> FindHead(mysql::Connection& connection);

// Reads records from `first` to `last`, both included, in their order.
absl::StatusOr<std::vector<SealedRecord>> ReadSealed(mysql::Connection& connection, int64_t first,
                                                     int64_t last);

// Reads the blocks that end between `first` and `last`, both included, in their order, at most
// `limit`.
absl::StatusOr<std::vector<Block>> ReadBlocks(mysql::Connection& connection, int64_t first,
                                              int64_t last, int limit);

// Reads the blocks after `number`, in their order, at most `limit`.
absl::StatusOr<std::vector<Block>> ReadBlocksAfter(mysql::Connection& connection, int64_t number,
                                                   int limit);

}  // namespace quartermaster::records
