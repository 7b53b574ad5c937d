#include "inventory-svc/storage/history_rows.h"

#include <limits>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/civil_time.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/value.h"

namespace quartermaster::inventory {
namespace {

constexpr char kUnion[] = " UNION ALL ";

}  // namespace

OccurredBounds AnyTime() {
  return {.end_time = absl::FromCivil(absl::CivilDay(9999, 12, 31), absl::UTCTimeZone()),
          .sequence = std::numeric_limits<int64_t>::max()};
}

absl::StatusOr<std::string> TimeLiteral(absl::Time time) {
  QM_ASSIGN_OR_RETURN(const std::string text, mysql::FormatDateTime(time));
  return absl::StrCat("'", text, "'");
}

absl::StatusOr<std::string> WithinMoment(absl::string_view record, const Moment& moment) {
  std::string condition = absl::StrCat(record, ".sequence <= ", moment.sequence);
  if (moment.occurred_time.has_value()) {
    QM_ASSIGN_OR_RETURN(const std::string time, TimeLiteral(*moment.occurred_time));
    absl::StrAppend(&condition, " AND ", record, ".occurred_time <= ", time);
  }
  return condition;
}

absl::int128 ReadDecimal(mysql::Row row, size_t column) {
  absl::int128 value = 0;
  if (row.IsNull(column)) return value;
  QM_CHECK(absl::SimpleAtoi(row.String(column), &value));
  return value;
}

std::string ToText(absl::int128 number) {
  const auto small = static_cast<int64_t>(number);
  if (small == number) return absl::StrCat(small);
  std::ostringstream text;
  text << number;
  return text.str();
}

std::string RecordedStatement(const std::vector<int64_t>& balance_ids, int64_t sequence) {
  return absl::StrJoin(balance_ids, kUnion, [&](std::string* out, int64_t id) {
    absl::StrAppend(out,
                    "(SELECT balance_id, quantity FROM balance_lines FORCE INDEX (PRIMARY) WHERE "
                    "balance_id = ",
                    id, " AND sequence <= ", sequence, " ORDER BY sequence DESC LIMIT 1)");
  });
}

absl::StatusOr<std::map<int64_t, int64_t>> ReadRecorded(mysql::Connection& connection,
                                                        const std::vector<int64_t>& balance_ids,
                                                        int64_t sequence) {
  std::map<int64_t, int64_t> quantities;
  if (balance_ids.empty()) return quantities;
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                      connection.Query(RecordedStatement(balance_ids, sequence)));
  for (const mysql::Row row : rows) {
    if (row.Int64(1) != 0) quantities[row.Int64(0)] = row.Int64(1);
  }
  return quantities;
}

// Days and what they were built through ascend together, so the latest day that fits is the best.
absl::StatusOr<std::string> CheckpointStatement(const std::vector<int64_t>& balance_ids,
                                                const OccurredBounds& bounds) {
  QM_ASSIGN_OR_RETURN(const std::string end, TimeLiteral(bounds.end_time));
  return absl::StrJoin(balance_ids, kUnion, [&](std::string* out, int64_t id) {
    absl::StrAppend(out,
                    "(SELECT balance_id, CAST(day AS CHAR), built_through, quantity FROM "
                    "balance_checkpoints FORCE INDEX (PRIMARY) WHERE balance_id = ",
                    id, " AND day <= DATE(", end, ") AND built_through <= ", bounds.sequence,
                    " ORDER BY day DESC LIMIT 1)");
  });
}

absl::StatusOr<std::map<int64_t, Checkpoint>> FindCheckpoints(
    mysql::Connection& connection, const std::vector<int64_t>& balance_ids,
    const OccurredBounds& bounds) {
  std::map<int64_t, Checkpoint> checkpoints;
  if (balance_ids.empty()) return checkpoints;
  QM_ASSIGN_OR_RETURN(const std::string sql, CheckpointStatement(balance_ids, bounds));
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows, connection.Query(sql));
  for (const mysql::Row row : rows) {
    checkpoints[row.Int64(0)] = {.day = row.String(1),
                                 .built_through = static_cast<int64_t>(row.Uint64(2)),
                                 .quantity = ReadDecimal(row, 3)};
  }
  return checkpoints;
}

std::string LateStatement(const std::map<int64_t, Checkpoint>& checkpoints, int64_t sequence) {
  return absl::StrJoin(checkpoints, kUnion, [&](std::string* out, const auto& entry) {
    const auto& [id, checkpoint] = entry;
    absl::StrAppend(out, "(SELECT ", id,
                    ", SUM(delta) FROM balance_lines FORCE INDEX (ix_balance_lines_late) WHERE "
                    "balance_id = ",
                    id, " AND late_sequence > ", checkpoint.built_through,
                    " AND late_sequence <= ", sequence, " AND occurred_time < '", checkpoint.day,
                    "')");
  });
}

absl::StatusOr<std::map<int64_t, absl::int128>> SumLateLines(
    mysql::Connection& connection, const std::map<int64_t, Checkpoint>& checkpoints,
    int64_t sequence) {
  std::map<int64_t, absl::int128> sums;
  if (checkpoints.empty()) return sums;
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                      connection.Query(LateStatement(checkpoints, sequence)));
  for (const mysql::Row row : rows) sums[row.Int64(0)] = ReadDecimal(row, 1);
  return sums;
}

absl::StatusOr<std::string> SinceStatement(const std::vector<int64_t>& balance_ids,
                                           const std::map<int64_t, Checkpoint>& checkpoints,
                                           const OccurredBounds& bounds) {
  QM_ASSIGN_OR_RETURN(const std::string end, TimeLiteral(bounds.end_time));
  return absl::StrJoin(balance_ids, kUnion, [&](std::string* out, int64_t id) {
    const auto checkpoint = checkpoints.find(id);
    absl::StrAppend(out, "(SELECT ", id,
                    ", SUM(delta) FROM balance_lines FORCE INDEX (ix_balance_lines_occurred) "
                    "WHERE balance_id = ",
                    id, " AND occurred_time < ", end, " AND sequence <= ", bounds.sequence);
    if (checkpoint != checkpoints.end()) {
      absl::StrAppend(out, " AND occurred_time >= '", checkpoint->second.day, "'");
    }
    absl::StrAppend(out, ")");
  });
}

absl::StatusOr<std::map<int64_t, absl::int128>> ReadOccurred(
    mysql::Connection& connection, const std::vector<int64_t>& balance_ids,
    const OccurredBounds& bounds) {
  std::map<int64_t, absl::int128> quantities;
  if (balance_ids.empty()) return quantities;
  using Checkpoints = std::map<int64_t, Checkpoint>;
  QM_ASSIGN_OR_RETURN(const Checkpoints checkpoints,
                      FindCheckpoints(connection, balance_ids, bounds));
  for (const auto& [id, checkpoint] : checkpoints) quantities[id] = checkpoint.quantity;
  QM_ASSIGN_OR_RETURN(const std::string since, SinceStatement(balance_ids, checkpoints, bounds));
  QM_ASSIGN_OR_RETURN(const mysql::Rows rows, connection.Query(since));
  for (const mysql::Row row : rows) quantities[row.Int64(0)] += ReadDecimal(row, 1);
  using Sums = std::map<int64_t, absl::int128>;
  QM_ASSIGN_OR_RETURN(const Sums late, SumLateLines(connection, checkpoints, bounds.sequence));
  for (const auto& [id, sum] : late) quantities[id] += sum;
  return quantities;
}

absl::StatusOr<std::map<int64_t, absl::int128>> ReadHeld(mysql::Connection& connection,
                                                         const std::vector<int64_t>& balance_ids,
                                                         const Moment& moment) {
  if (moment.occurred_time.has_value()) {
    return ReadOccurred(
        connection, balance_ids,
        {.end_time = *moment.occurred_time + absl::Microseconds(1), .sequence = moment.sequence});
  }
  using Recorded = std::map<int64_t, int64_t>;
  QM_ASSIGN_OR_RETURN(const Recorded recorded,
                      ReadRecorded(connection, balance_ids, moment.sequence));
  return std::map<int64_t, absl::int128>(recorded.begin(), recorded.end());
}

BalanceRow ReadBalanceRow(mysql::Row row, int64_t quantity) {
  return {.id = BalanceId{static_cast<uint32_t>(row.Int64(0))},
          .account = {.location = row.String(1),
                      .state = static_cast<State>(row.Int64(2)),
                      .holder = base::Uuid::FromBytes(row.String(3)).value_or(base::Uuid{})},
          .lot = absl::StrCat(row.String(4), "/lots/", row.String(5)),
          .quantity = quantity,
          .item = ItemId{static_cast<uint32_t>(row.Int64(6))}};
}

}  // namespace quartermaster::inventory
