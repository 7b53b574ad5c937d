#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/mysql/connection.h"
#include "platform/mysql/pool.h"

namespace quartermaster::mysql {

// One file of a service's migrations folder, embedded at build by `qm_migrations`: for instance
// `0001_units.sql` has the number 1 and the name `units`. Its statements are its steps.
struct Migration {
  int number;
  absl::string_view name;
  absl::string_view text;
};

// What the runner is about to do.
struct MigrationStep {
  int migration;
  // From 1.
  int step;
  std::string name;
  std::string sql;
};

struct MigrateOptions {
  // The connection's user must be allowed to change the schema; `database` must be set and exist.
  ConnectionOptions connection;
  // How long to wait for another runner to finish.
  absl::Duration runner_wait_max = absl::Minutes(1);
  // How long a statement waits for other transactions to let go of a table.
  absl::Duration table_lock_wait_max = absl::Seconds(5);
};

// Brings the schema up to date, one statement after the other, each recorded in `schema_steps` with
// the SHA-256 of its text. A run that was killed is continued by the next: a change of rows and
// its record are one transaction, and a change of tables that was begun but not recorded may turn
// out to be there already. `progress` is called before each step that is run.
//
// One runner at a time; the second waits and finds nothing left to do. A schema that is newer than
// `migrations` is left alone. FAILED_PRECONDITION `SCHEMA_DRIFT` if a recorded step reads
// differently now; INVALID_ARGUMENT for migrations out of order or with a statement that is neither
// a change of tables nor of rows; ABORTED `CONTENTION` if a lock could not be had in time.
absl::Status Migrate(const MigrateOptions& options, const std::vector<Migration>& migrations,
                     absl::FunctionRef<void(const MigrationStep&)> progress);

// Tells whether the database has all that `migrations` ask for; more is fine. UNAVAILABLE
// `SCHEMA_BEHIND` if a step is missing: wait until the runner has done it. FAILED_PRECONDITION
// `SCHEMA_DRIFT` if a recorded step reads differently.
//
// Waits until `deadline` for a connection, RESOURCE_EXHAUSTED `OVERLOADED`, and for the answer,
// DEADLINE_EXCEEDED: a runner at work may hold the table. Only the opening of a connection has a
// limit of its own, the pool's `connect_timeout`.
absl::Status CheckSchema(Pool& pool, const std::vector<Migration>& migrations, absl::Time deadline);

// Splits the text of a migration into its statements, without the comments between them.
// INVALID_ARGUMENT for text that ends inside a quote or a comment.
absl::StatusOr<std::vector<std::string>> SplitStatements(absl::string_view text);

}  // namespace quartermaster::mysql
