#include "inventory-svc/storage/history_writer.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/clock.h"
#include "inventory-svc/storage/history_rows.h"
#include "inventory-svc/storage/sealed_part.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/base/uuid.h"
#include "platform/mysql/transaction.h"

namespace quartermaster::inventory {
namespace {

constexpr absl::Duration kTurnTimeMax = absl::Seconds(30);
constexpr size_t kRowsPerStatement = 500;
// A step is read through when a time falls into it.
constexpr int64_t kStepRecordsMax = 1000;

absl::Status InsertRows(mysql::Connection& connection, absl::string_view into,
                        const std::vector<std::string>& rows) {
  for (size_t at = 0; at < rows.size(); at += kRowsPerStatement) {
    const size_t end = std::min(at + kRowsPerStatement, rows.size());
    QM_RETURN_IF_ERROR(
        connection
            .Execute(absl::StrCat("INSERT INTO ", into, " VALUES ",
                                  absl::StrJoin(rows.begin() + at, rows.begin() + end, ",")))
            .status());
  }
  return absl::OkStatus();
}

// The balances in `lines`, which are ordered by them.
std::vector<int64_t> BalancesOf(const std::vector<BalanceLine>& lines) {
  std::vector<int64_t> ids;
  for (const BalanceLine& line : lines) {
    if (ids.empty() || ids.back() != line.balance_id) ids.push_back(line.balance_id);
  }
  return ids;
}

// Writes what `lines` say and what each balance holds after them; `tails` are moved on by it.
absl::Status WriteBalanceLines(mysql::Connection& connection, const std::vector<BalanceLine>& lines,
                               std::map<int64_t, BalanceTail>& tails) {
  std::vector<std::string> rows;
  for (const BalanceLine& line : lines) {
    BalanceTail& tail = tails[line.balance_id];
    tail.quantity += line.delta;
    const bool is_late = line.occurred_time < tail.checkpoint_time;
    QM_ASSIGN_OR_RETURN(const std::string occurred, TimeLiteral(line.occurred_time));
    rows.push_back(absl::StrCat("(", line.balance_id, ",", line.sequence, ",", occurred, ",",
                                ToText(line.delta), ",", ToText(tail.quantity), ",",
                                is_late ? absl::StrCat(line.sequence) : "NULL", ")"));
  }
  return InsertRows(
      connection,
      "balance_lines (balance_id, sequence, occurred_time, delta, quantity, late_sequence)", rows);
}

absl::Time LatestTime(const std::vector<RecordTime>& records) {
  return std::ranges::max(records, {}, &RecordTime::record_time).record_time;
}

// Writes from when on `records` count. Where nothing was closed in between they go on with the last
// step, so that a trickle of postings does not make a step each.
absl::Status WriteStep(mysql::Connection& connection, const std::vector<RecordTime>& records,
                       absl::Time floor, bool may_go_on) {
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows last,
      connection.Query("SELECT first_sequence, record_id_max FROM history_steps ORDER BY "
                       "first_sequence DESC LIMIT 1"));
  base::Uuid id_max = std::ranges::max(records, {}, &RecordTime::record_id).record_id;
  if (!last.empty()) {
    id_max = std::max(id_max, base::Uuid::FromBytes(last[0].String(1)).value_or(base::Uuid()));
    const int64_t first_sequence = static_cast<int64_t>(last[0].Uint64(0));
    if (may_go_on && records.back().sequence - first_sequence < kStepRecordsMax) {
      return connection
          .Execute(
              "UPDATE history_steps SET last_sequence = ?, record_id_max = ? WHERE "
              "first_sequence = ?",
              {records.back().sequence, id_max.ToBytes(), first_sequence})
          .status();
    }
  }
  return connection
      .Execute(
          "INSERT INTO history_steps (first_sequence, last_sequence, floor_time, "
          "record_id_max) VALUES (?, ?, ?, ?)",
          {records.front().sequence, records.back().sequence, floor, id_max.ToBytes()})
      .status();
}

// Sums the lines of each day before `today` that no checkpoint of its balance counts, by balance
// and the day after.
absl::StatusOr<std::map<std::pair<int64_t, std::string>, absl::int128>> SumDays(
    mysql::Connection& connection, const std::vector<int64_t>& ids,
    const std::map<int64_t, Checkpoint>& checkpoints, const std::string& today) {
  std::map<std::pair<int64_t, std::string>, absl::int128> days;
  const std::string sql = absl::StrJoin(ids, " UNION ALL ", [&](std::string* out, int64_t id) {
    const auto checkpoint = checkpoints.find(id);
    absl::StrAppend(out, "(SELECT ", id,
                    ", CAST(DATE(occurred_time) + INTERVAL 1 DAY AS CHAR) AS day, SUM(delta) FROM "
                    "balance_lines FORCE INDEX (ix_balance_lines_occurred) WHERE balance_id = ",
                    id, " AND occurred_time < '", today, "'");
    if (checkpoint != checkpoints.end()) {
      absl::StrAppend(out, " AND occurred_time >= '", checkpoint->second.day, "'");
    }
    absl::StrAppend(out, " GROUP BY day)");
  });
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows, connection.Query(sql));
  for (const mysql::Row row : rows) days[{row.Int64(0), row.String(1)}] = ReadDecimal(row, 2);
  return days;
}

// Writes a checkpoint for each day after one on which something happened, from the last one on up
// to `today`. It counts what came late for the last one, too. Returns how many.
absl::StatusOr<int64_t> CheckpointBalances(mysql::Connection& connection,
                                           const std::vector<int64_t>& ids,
                                           const std::string& today, int64_t sequence) {
  if (ids.empty()) return 0;
  using Checkpoints = std::map<int64_t, Checkpoint>;
  QM_ASSIGN_OR_RETURN(const Checkpoints checkpoints, FindCheckpoints(connection, ids, AnyTime()));
  using Sums = std::map<int64_t, absl::int128>;
  QM_ASSIGN_OR_RETURN(Sums quantities, SumLateLines(connection, checkpoints, sequence));
  for (const auto& [id, checkpoint] : checkpoints) quantities[id] += checkpoint.quantity;
  using Days = std::map<std::pair<int64_t, std::string>, absl::int128>;
  QM_ASSIGN_OR_RETURN(const Days days, SumDays(connection, ids, checkpoints, today));
  std::vector<std::string> rows;
  for (const auto& [place, sum] : days) {
    const auto& [id, day] = place;
    rows.push_back(
        absl::StrCat("(", id, ",'", day, "',", ToText(quantities[id] += sum), ",", sequence, ")"));
  }
  QM_RETURN_IF_ERROR(InsertRows(
      connection, "balance_checkpoints (balance_id, day, quantity, built_through)", rows));
  return static_cast<int64_t>(rows.size());
}

}  // namespace

// The row that a turn holds locked.
struct HistoryWriter::Progress {
  HistoryEnd end;
  // The time of the record clock up to which nothing more is put in.
  absl::Time closed_time;
  // What the database's clock, the only one that all replicas share, says.
  absl::Time database_time;

  friend bool operator==(const Progress&, const Progress&) = default;
};

absl::StatusOr<std::optional<HistoryWriter::Turn>> HistoryWriter::TakeTurn() {
  std::optional<Turn> turn;
  HistoryEnd end_before;
  HistoryEnd end;
  Tails tails;
  const absl::Status taken = mysql::InTransaction(
      pool_, absl::Now() + kTurnTimeMax, [&](mysql::Connection& connection) -> absl::Status {
        turn.reset();
        tails.clear();
        QM_ASSIGN_OR_RETURN(std::optional<Progress> progress, LockProgress(connection));
        if (!progress.has_value()) return absl::OkStatus();
        const Progress before = *progress;
        turn.emplace();
        QM_RETURN_IF_ERROR(Advance(connection, *progress, *turn, tails));
        if (!turn->has_more) QM_RETURN_IF_ERROR(WriteCheckpoints(connection, *progress, *turn));
        end_before = before.end;
        end = progress->end;
        turn->sequence = end.sequence;
        turn->closed_time = progress->closed_time;
        if (*progress == before) return absl::OkStatus();
        return connection
            .Execute(
                "UPDATE history_progress SET sequence = ?, counts_from = ?, closed_time = ?, "
                "checkpoint_day = ?, checkpoint_balance_id = ? WHERE history_id = 1",
                {end.sequence, end.counts_from, progress->closed_time, end.checkpoint_day,
                 end.checkpoint_balance_id})
            .status();
      });
  QM_RETURN_IF_ERROR(taken);
  if (turn.has_value()) {
    tails_.Keep(tails, end_before, end);
  } else {
    QM_RETURN_IF_ERROR(EnsureProgress());
  }
  return turn;
}

// Whoever holds the row is in the middle of its turn, and does what we would.
absl::StatusOr<std::optional<HistoryWriter::Progress>> HistoryWriter::LockProgress(
    mysql::Connection& connection) const {
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows rows,
      connection.Query("SELECT sequence, counts_from, closed_time, CAST(checkpoint_day AS CHAR), "
                       "checkpoint_balance_id, UTC_TIMESTAMP(6) FROM history_progress WHERE "
                       "history_id = 1 FOR UPDATE SKIP LOCKED"));
  if (rows.empty()) return std::nullopt;
  return Progress{.end = {.sequence = static_cast<int64_t>(rows[0].Uint64(0)),
                          .counts_from = rows[0].Time(1),
                          .checkpoint_day = rows[0].String(3),
                          .checkpoint_balance_id = rows[0].Int64(4)},
                  .closed_time = rows[0].Time(2),
                  .database_time = rows[0].Time(5)};
}

absl::Status HistoryWriter::EnsureProgress() {
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, pool_.Acquire(absl::Now() + kTurnTimeMax));
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                      connection->Query("SELECT 1 FROM history_progress WHERE history_id = 1"));
  if (!rows.empty()) return absl::OkStatus();
  return connection
      ->Execute(
          "INSERT IGNORE INTO history_progress (history_id, sequence, counts_from, "
          "closed_time, checkpoint_day, checkpoint_balance_id) VALUES (1, 0, "
          "'1970-01-01 00:00:00', '1970-01-01 00:00:00', '1970-01-01', 0)")
      .status();
}

// The time to close is found before the records are read: what was not sealed then holds it back,
// and all else is in what is read.
absl::Status HistoryWriter::Advance(mysql::Connection& connection, Progress& progress, Turn& turn,
                                    Tails& tails) const {
  QM_ASSIGN_OR_RETURN(const absl::Time close_time, TimeToClose(connection, progress));
  QM_ASSIGN_OR_RETURN(const SealedPart part, ReadSealedPart(connection, progress.end.sequence,
                                                            options_.batch_records_max));
  const std::vector<RecordTime>& records = part.records;
  turn.has_more = part.has_more;
  if (!records.empty()) {
    QM_ASSIGN_OR_RETURN(tails, tails_.Find(connection, BalancesOf(part.lines), progress.end));
    QM_RETURN_IF_ERROR(WriteBalanceLines(connection, part.lines, tails));
    // What was promised up to the closed time stays as it is, however early a record's own time.
    const absl::Time floor =
        std::max(progress.end.counts_from, progress.closed_time + absl::Microseconds(1));
    QM_RETURN_IF_ERROR(WriteStep(connection, records, floor, floor == progress.end.counts_from));
    progress.end.sequence = records.back().sequence;
    progress.end.counts_from = std::max(floor, LatestTime(records));
    turn.record_count = static_cast<int64_t>(records.size());
  }
  const absl::Duration further = close_time - progress.closed_time;
  if (!turn.has_more && (further >= options_.close_interval ||
                         (further > absl::ZeroDuration() && !records.empty()))) {
    progress.closed_time = close_time;
  }
  return absl::OkStatus();
}

// By the slower of two clocks: ours, and the one that all replicas share. A replica whose clock is
// ahead must not close times that have not come.
absl::StatusOr<absl::Time> HistoryWriter::TimeToClose(mysql::Connection& connection,
                                                      const Progress& progress) const {
  absl::Time time = std::min(clock_.Now(), progress.database_time) - options_.settle_time;
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows unsealed,
      connection.Query("SELECT record_time FROM records FORCE INDEX (ix_records_unsealed) WHERE "
                       "sequence IS NULL AND record_time > ? ORDER BY record_time LIMIT 1",
                       {progress.closed_time}));
  if (!unsealed.empty()) time = std::min(time, unsealed[0].Time(0) - absl::Microseconds(1));
  return time;
}

absl::Status HistoryWriter::WriteCheckpoints(mysql::Connection& connection, Progress& progress,
                                             Turn& turn) const {
  const std::string today =
      absl::FormatCivilTime(absl::ToCivilDay(progress.closed_time, absl::UTCTimeZone()));
  if (today <= progress.end.checkpoint_day) return absl::OkStatus();
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows balances,
      connection.Query(
          "SELECT balance_id FROM balances WHERE balance_id > ? ORDER BY balance_id "
          "LIMIT ?",
          {progress.end.checkpoint_balance_id, int64_t{options_.checkpoint_balances_max}}));
  std::vector<int64_t> ids;
  for (const mysql::Row row : balances) ids.push_back(row.Int64(0));
  QM_ASSIGN_OR_RETURN(turn.checkpoint_count,
                      CheckpointBalances(connection, ids, today, progress.end.sequence));
  if (ids.size() == static_cast<size_t>(options_.checkpoint_balances_max)) {
    progress.end.checkpoint_balance_id = ids.back();
    turn.has_more = true;
  } else {
    progress.end.checkpoint_balance_id = 0;
    progress.end.checkpoint_day = today;
  }
  return absl::OkStatus();
}

}  // namespace quartermaster::inventory
