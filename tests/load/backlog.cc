#include "tests/load/backlog.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"

namespace quartermaster::load {
namespace {

constexpr absl::Duration kLookInterval = absl::Milliseconds(200);

}  // namespace

absl::StatusOr<Backlog> Backlog::Of(const testing::MariaDbServer& database) {
  mysql::ConnectionOptions options = database.connection_options();
  options.database = "quartermaster_inventory";
  QM_ASSIGN_OR_RETURN(std::unique_ptr<mysql::Connection> connection,
                      mysql::Connection::Open(options));
  return Backlog(std::move(connection));
}

absl::Status Backlog::AwaitNone(absl::Duration patience) {
  const absl::Time end = absl::Now() + patience;
  while (absl::Now() < end) {
    QM_ASSIGN_OR_RETURN(
        const mysql::Rows rows,
        connection_->Query("SELECT NOT EXISTS (SELECT 1 FROM records WHERE sequence IS NULL) AND "
                           "COALESCE((SELECT sequence FROM history_progress), 0) = "
                           "COALESCE((SELECT MAX(sequence) FROM records), 0)"));
    if (rows[0].Int64(0) == 1) return absl::OkStatus();
    absl::SleepFor(kLookInterval);
  }
  return absl::DeadlineExceededError(
      absl::StrCat("not all is sealed and in the history after ", absl::FormatDuration(patience)));
}

}  // namespace quartermaster::load
