#include "platform/mysql/migrate.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/sha256.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/error.h"
#include "platform/mysql/sql_text.h"
#include "platform/status/error.h"

namespace quartermaster::mysql {
namespace {

constexpr int kNoSuchTable = 1146;

// What a server answers to a change of tables that is there already: database, table, column, key,
// trigger or constraint exists, or is gone if it was to be dropped.
constexpr int kDoneBefore[] = {1007, 1008, 1050, 1051, 1060, 1061, 1091,
                               1304, 1305, 1359, 1360, 1826, 3822};

constexpr char kCreateSteps[] =
    "CREATE TABLE IF NOT EXISTS schema_steps ("
    " migration INT NOT NULL,"
    " step INT NOT NULL,"
    " name VARCHAR(190) NOT NULL,"
    " sha256 BINARY(32) NOT NULL,"
    " started_time DATETIME(6) NOT NULL,"
    " applied_time DATETIME(6) NULL,"
    " PRIMARY KEY (migration, step)"
    ") ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin";

struct PlannedStep {
  MigrationStep step;
  bool changes_rows;
  std::string sha256;
};

struct RecordedStep {
  std::string sha256;
  bool is_applied;
};

using StepKey = std::pair<int64_t, int64_t>;

absl::Status Malformed(const MigrationStep& step, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("migration ", step.migration, " step ", step.step, ": ", why));
}

// Tells whether the statement changes rows, or tables; nothing else can be made safe to continue.
absl::StatusOr<bool> ChangesRows(const MigrationStep& step) {
  const std::string word =
      absl::AsciiStrToUpper(step.sql.substr(0, step.sql.find_first_of(" \t\r\n(")));
  if (word == "INSERT" || word == "UPDATE" || word == "DELETE" || word == "REPLACE") return true;
  if (word == "CREATE" || word == "ALTER" || word == "DROP") return false;
  return Malformed(step, absl::StrCat("a step cannot begin with ", word));
}

absl::StatusOr<std::vector<PlannedStep>> Plan(const std::vector<Migration>& migrations) {
  std::vector<PlannedStep> plan;
  int last = 0;
  for (const Migration& migration : migrations) {
    if (migration.number <= last) {
      return absl::InvalidArgumentError(
          absl::StrCat("migration ", migration.number, " comes after ", last));
    }
    last = migration.number;
    QM_ASSIGN_OR_RETURN(std::vector<std::string> statements, SplitStatements(migration.text));
    int number = 0;
    for (std::string& sql : statements) {
      PlannedStep& planned = plan.emplace_back();
      planned.step = {migration.number, ++number, std::string(migration.name), std::move(sql)};
      QM_ASSIGN_OR_RETURN(planned.changes_rows, ChangesRows(planned.step));
      const base::Sha256Digest digest = base::Sha256(planned.step.sql);
      planned.sha256.assign(digest.begin(), digest.end());
    }
  }
  return plan;
}

absl::StatusOr<std::map<StepKey, RecordedStep>> ReadRecorded(Connection& connection) {
  QM_ASSIGN_OR_RETURN(
      const Rows rows,
      connection.Query("SELECT migration, step, sha256, applied_time FROM schema_steps"));
  std::map<StepKey, RecordedStep> recorded;
  for (const Row row : rows) {
    recorded[{row.Int64(0), row.Int64(1)}] = {row.String(2), !row.IsNull(3)};
  }
  return recorded;
}

absl::Status Drift(int64_t migration, int64_t step, absl::string_view what) {
  return status::MakeError(
      absl::StatusCode::kFailedPrecondition,
      absl::StrCat("migration ", migration, " step ", step, " ", what,
                   " since it was applied; migrations are only ever added"),
      {.reason = "SCHEMA_DRIFT",
       .metadata = {{"migration", absl::StrCat(migration)}, {"step", absl::StrCat(step)}}});
}

// Compares what was applied with what is planned now. Steps of newer migrations are fine.
absl::Status CheckDrift(const std::vector<PlannedStep>& plan,
                        const std::map<StepKey, RecordedStep>& recorded) {
  const int64_t newest = plan.empty() ? 0 : plan.back().step.migration;
  std::map<StepKey, const PlannedStep*> by_key;
  for (const PlannedStep& planned : plan) {
    by_key[{planned.step.migration, planned.step.step}] = &planned;
  }
  for (const auto& [key, step] : recorded) {
    if (key.first > newest) continue;
    const auto found = by_key.find(key);
    if (found == by_key.end()) return Drift(key.first, key.second, "was taken away");
    if (found->second->sha256 != step.sha256) return Drift(key.first, key.second, "was changed");
  }
  return absl::OkStatus();
}

absl::Status RecordApplied(Connection& connection, const PlannedStep& planned) {
  return connection
      .Execute(
          "UPDATE schema_steps SET applied_time = UTC_TIMESTAMP(6) "
          "WHERE migration = ? AND step = ?",
          {planned.step.migration, planned.step.step})
      .status();
}

// A change of tables commits by itself, so its record cannot be part of it: `is_in_doubt` tells
// that an earlier run began it and never recorded the end.
absl::Status ChangeTables(Connection& connection, const PlannedStep& planned, bool is_in_doubt) {
  const absl::Status changed = connection.Execute(planned.step.sql).status();
  const bool was_done = std::find(std::begin(kDoneBefore), std::end(kDoneBefore),
                                  GetErrno(changed)) != std::end(kDoneBefore);
  if (!changed.ok() && !(is_in_doubt && was_done)) return changed;
  return RecordApplied(connection, planned);
}

absl::Status ChangeRows(Connection& connection, const PlannedStep& planned) {
  // In one round trip and without `InTransaction`: the lock of the runner belongs to this session,
  // and a lost answer is settled by the record when the next run begins.
  return connection
      .ExecuteBatch({{"START TRANSACTION"},
                     {planned.step.sql},
                     {"UPDATE schema_steps SET applied_time = UTC_TIMESTAMP(6) "
                      "WHERE migration = ? AND step = ?",
                      {planned.step.migration, planned.step.step}},
                     {"COMMIT"}})
      .status();
}

absl::Status RecordBegun(Connection& connection, const PlannedStep& planned) {
  return connection
      .Execute(
          "INSERT INTO schema_steps (migration, step, name, sha256, started_time) "
          "VALUES (?, ?, ?, ?, UTC_TIMESTAMP(6))",
          {planned.step.migration, planned.step.step, planned.step.name, planned.sha256})
      .status();
}

absl::Status RunStep(Connection& connection, const PlannedStep& planned, bool is_in_doubt) {
  if (!is_in_doubt) QM_RETURN_IF_ERROR(RecordBegun(connection, planned));
  const absl::Status done = planned.changes_rows ? ChangeRows(connection, planned)
                                                 : ChangeTables(connection, planned, is_in_doubt);
  if (!done.ok() && !is_in_doubt && connection.usable()) {
    // The server said no, so nothing is in doubt: the next run must not take what is in the way for
    // its own work.
    connection
        .ExecuteBatch({{"ROLLBACK"},
                       {"DELETE FROM schema_steps WHERE migration = ? AND step = ?",
                        {planned.step.migration, planned.step.step}}})
        .IgnoreError();
  }
  return done;
}

// The server lets go of the lock when the session ends, however it ends.
absl::Status LockOutOthers(Connection& connection, const MigrateOptions& options) {
  const std::string name = absl::StrCat(
      "qm-migrate-", base::ToHex(base::Sha256(options.connection.database)).substr(0, 32));
  QM_ASSIGN_OR_RETURN(const Rows rows,
                      connection.Query("SELECT GET_LOCK(?, ?)",
                                       {name, absl::ToInt64Seconds(options.runner_wait_max)}));
  if (!rows[0].IsNull(0) && rows[0].Int64(0) == 1) return absl::OkStatus();
  return status::MakeError(absl::StatusCode::kAborted,
                           "another runner is still changing the schema; try again later",
                           {.reason = "CONTENTION"});
}

}  // namespace

absl::StatusOr<std::vector<std::string>> SplitStatements(absl::string_view text) {
  std::vector<std::string> statements;
  std::string current;
  const auto finish = [&] {
    const absl::string_view trimmed = absl::StripAsciiWhitespace(current);
    if (!trimmed.empty()) statements.emplace_back(trimmed);
    current.clear();
  };
  SqlScanner scanner(text);
  while (scanner.Next()) {
    if (scanner.part() == SqlScanner::Part::kComment) {
      if (absl::StartsWith(scanner.text(), "/*!")) {
        return absl::InvalidArgumentError("a /*! comment runs on some servers only");
      }
      // A comment separates words like a blank.
      current += ' ';
    } else if (scanner.part() == SqlScanner::Part::kCode && scanner.text() == ";") {
      finish();
    } else {
      absl::StrAppend(&current, scanner.text());
    }
  }
  if (scanner.is_cut_off()) {
    return absl::InvalidArgumentError("the text ends inside a quote or a comment");
  }
  finish();
  return statements;
}

absl::Status Migrate(const MigrateOptions& options, const std::vector<Migration>& migrations,
                     absl::FunctionRef<void(const MigrationStep&)> progress) {
  QM_ASSIGN_OR_RETURN(const std::vector<PlannedStep> plan, Plan(migrations));
  ConnectionOptions connection_options = options.connection;
  // Rebuilding a large table is one long silence.
  connection_options.read_timeout = absl::Hours(6);
  QM_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                      Connection::Open(connection_options));
  QM_RETURN_IF_ERROR(LockOutOthers(*connection, options));
  QM_RETURN_IF_ERROR(
      connection
          ->Execute(
              absl::StrCat("SET SESSION lock_wait_timeout = ",
                           std::max<int64_t>(1, absl::ToInt64Seconds(options.table_lock_wait_max))))
          .status());
  QM_RETURN_IF_ERROR(connection->Execute(kCreateSteps).status());
  QM_ASSIGN_OR_RETURN(const auto recorded, ReadRecorded(*connection));
  QM_RETURN_IF_ERROR(CheckDrift(plan, recorded));
  for (const PlannedStep& planned : plan) {
    const auto found = recorded.find({planned.step.migration, planned.step.step});
    const bool was_begun = found != recorded.end();
    if (was_begun && found->second.is_applied) continue;
    progress(planned.step);
    QM_RETURN_IF_ERROR(RunStep(*connection, planned, was_begun));
  }
  return absl::OkStatus();
}

absl::Status CheckSchema(Pool& pool, const std::vector<Migration>& migrations,
                         absl::Time deadline) {
  QM_ASSIGN_OR_RETURN(const std::vector<PlannedStep> plan, Plan(migrations));
  QM_ASSIGN_OR_RETURN(const Lease lease, pool.Acquire(deadline));
  lease->set_read_deadline(deadline);
  absl::StatusOr<std::map<StepKey, RecordedStep>> recorded = ReadRecorded(*lease);
  if (!recorded.ok() && GetErrno(recorded.status()) == kNoSuchTable) {
    recorded = std::map<StepKey, RecordedStep>();
  }
  QM_RETURN_IF_ERROR(recorded.status());
  QM_RETURN_IF_ERROR(CheckDrift(plan, *recorded));
  for (const PlannedStep& planned : plan) {
    const auto found = recorded->find({planned.step.migration, planned.step.step});
    if (found != recorded->end() && found->second.is_applied) continue;
    return status::MakeError(
        absl::StatusCode::kUnavailable,
        absl::StrCat("the schema lacks migration ", planned.step.migration, " step ",
                     planned.step.step, "; run the migrations first"),
        {.reason = "SCHEMA_BEHIND",
         .metadata = {{"migration", absl::StrCat(planned.step.migration)},
                      {"step", absl::StrCat(planned.step.step)}}});
  }
  return absl::OkStatus();
}

}  // namespace quartermaster::mysql
