#include "tests/load/backlog.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/transaction.h"

namespace quartermaster::load {
namespace {

constexpr absl::Duration kLookInterval = absl::Milliseconds(50);

}  // namespace

absl::StatusOr<Backlog> Backlog::Of(const testing::MariaDbServer& database) {
  mysql::ConnectionOptions options = database.connection_options();
  options.database = "quartermaster_inventory";
  options.transaction_idle_max = absl::Minutes(1);
  auto pool =
      std::make_unique<mysql::Pool>(mysql::PoolOptions{.connection = options, .size_max = 2});
  QM_ASSIGN_OR_RETURN(mysql::Lease connection, pool->Acquire(absl::Now() + absl::Seconds(10)));
  return Backlog(std::move(pool), std::move(connection));
}

absl::Status Backlog::AwaitNone(absl::Duration patience) {
  return Await(
      "SELECT NOT EXISTS (SELECT 1 FROM records WHERE sequence IS NULL) AND "
      "COALESCE((SELECT sequence FROM history_progress), 0) = "
      "COALESCE((SELECT MAX(sequence) FROM records), 0)",
      patience);
}

absl::Status Backlog::AwaitAllSealed(absl::Duration patience) {
  return Await("SELECT NOT EXISTS (SELECT 1 FROM records WHERE sequence IS NULL)", patience);
}

absl::Status Backlog::AwaitPurged(absl::Duration patience) {
  // A few remain as long as anybody writes.
  return Await(
      "SELECT VARIABLE_VALUE < 1000 FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = "
      "'INNODB_HISTORY_LIST_LENGTH'",
      patience);
}

absl::Status Backlog::Await(absl::string_view query, absl::Duration patience) {
  const absl::Time end = absl::Now() + patience;
  while (absl::Now() < end) {
    QM_ASSIGN_OR_RETURN(const mysql::Rows rows, connection_->Query(query));
    if (rows[0].Int64(0) == 1) return absl::OkStatus();
    absl::SleepFor(kLookInterval);
  }
  return absl::DeadlineExceededError(
      absl::StrCat("not all was done after ", absl::FormatDuration(patience)));
}

absl::StatusOr<int64_t> Backlog::CountUnsealed() {
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                      connection_->Query("SELECT COUNT(*) FROM records WHERE sequence IS NULL"));
  return rows[0].Int64(0);
}

// The leader's next block is refused, because the epoch is not its own any more.
absl::Status Backlog::HoldSealing() {
  QM_ASSIGN_OR_RETURN(
      const int64_t taken,
      connection_->Execute("UPDATE sealer_lease SET epoch = epoch + 1, holder = "
                           "REPEAT(x'FF', 16), end_time = UTC_TIMESTAMP(6) + INTERVAL 1 HOUR WHERE "
                           "lease_id = 1"));
  return taken == 1 ? absl::OkStatus() : absl::InternalError("there is no lease to hold");
}

absl::Status Backlog::HoldHistoryWhile(absl::FunctionRef<absl::Status()> body) {
  return mysql::InTransaction(
      *pool_, absl::Now() + absl::Seconds(10), [&](mysql::Connection& connection) -> absl::Status {
        QM_RETURN_IF_ERROR(connection
                               .Query("SELECT sequence FROM history_progress WHERE history_id = 1 "
                                      "FOR UPDATE")
                               .status());
        return body();
      });
}

absl::Status Backlog::ReleaseSealing() {
  return connection_
      ->Execute("UPDATE sealer_lease SET end_time = UTC_TIMESTAMP(6) WHERE lease_id = 1")
      .status();
}

}  // namespace quartermaster::load
