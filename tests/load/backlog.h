#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/mysql/pool.h"
#include "tests/harness/mariadb_server.h"

namespace quartermaster::load {

// What inventory-svc has yet to do for writes that it answered: to seal their records, and to take
// them into the history. Not thread-safe.
class Backlog {
 public:
  // Looks at the books that a `testing::Stack` keeps in `database`.
  static absl::StatusOr<Backlog> Of(const testing::MariaDbServer& database);

  // Waits until nothing is left to do, so that what is measured next is not measured beside it.
  // DEADLINE_EXCEEDED if that takes longer than `patience`.
  absl::Status AwaitNone(absl::Duration patience = absl::Minutes(5));

  // The same for sealing alone.
  absl::Status AwaitAllSealed(absl::Duration patience = absl::Minutes(5));

  // The same for the database itself: until it has cleared away what earlier versions of rows have
  // left behind, as after much writing.
  absl::Status AwaitPurged(absl::Duration patience = absl::Minutes(5));

  absl::StatusOr<int64_t> CountUnsealed();

  // Keeps everyone from sealing, for an hour at most: holds the lease, as a replica would that is
  // alive and does nothing. Nothing new comes into the history either.
  absl::Status HoldSealing();
  // Lets go of the lease; whoever is first takes it.
  absl::Status ReleaseSealing();

  // Runs `body`, for a minute at most, while nothing comes into the history: holds its row, as a
  // replica does for its turn.
  absl::Status HoldHistoryWhile(absl::FunctionRef<absl::Status()> body);

 private:
  // Waits until `query` gives 1.
  absl::Status Await(absl::string_view query, absl::Duration patience);

  explicit Backlog(std::unique_ptr<mysql::Pool> pool, mysql::Lease connection)
      : pool_(std::move(pool)), connection_(std::move(connection)) {}

  std::unique_ptr<mysql::Pool> pool_;
  mysql::Lease connection_;
};

}  // namespace quartermaster::load
