#include "inventory-svc/storage/sealed_part.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"

namespace quartermaster::inventory {
namespace {

// Lines of one turn: what it takes in memory, and how long it takes. A movement has fewer.
constexpr size_t kLinesMax = 20'000;

RecordTime ReadRecordTime(mysql::Row row) {
  const std::optional<base::Uuid> record_id = base::Uuid::FromBytes(row.String(2));
  QM_CHECK(record_id.has_value());
  return {.sequence = static_cast<int64_t>(row.Uint64(0)),
          .record_time = row.Time(1),
          .record_id = *record_id};
}

// What movements do to each balance: several lines of one may touch the same.
class BalanceLines {
 public:
  void Add(const RecordTime& movement, mysql::Row row) {
    const absl::int128 quantity = row.Int64(6);
    AddOne(movement, row.Int64(4), -quantity, row);
    AddOne(movement, row.Int64(5), quantity, row);
  }

  // Those of the records up to `sequence`.
  std::vector<BalanceLine> UpTo(int64_t sequence) const {
    std::vector<BalanceLine> lines;
    for (const auto& [key, line] : lines_) {
      if (line.sequence <= sequence) lines.push_back(line);
    }
    return lines;
  }

 private:
  void AddOne(const RecordTime& movement, int64_t balance_id, absl::int128 delta, mysql::Row row) {
    const auto [place, is_new] = lines_.try_emplace({balance_id, movement.sequence});
    BalanceLine& line = place->second;
    if (is_new) {
      line = {
          .balance_id = balance_id, .sequence = movement.sequence, .occurred_time = row.Time(3)};
    }
    line.delta += delta;
  }

  std::map<std::pair<int64_t, int64_t>, BalanceLine> lines_;
};

}  // namespace

absl::StatusOr<SealedPart> ReadSealedPart(mysql::Connection& connection, int64_t sequence,
                                          int records_max) {
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows rows,
      connection.Query(
          absl::StrCat("SELECT r.sequence, r.record_time, r.record_id, r.occurred_time, "
                       "l.source_balance_id, l.destination_balance_id, l.quantity FROM records r "
                       "FORCE INDEX (uk_records_sequence) LEFT JOIN movement_lines l ON "
                       "l.movement_id = r.record_id WHERE r.sequence > ? AND r.sequence <= ? "
                       "ORDER BY r.sequence LIMIT ",
                       kLinesMax),
          {sequence, sequence + records_max}));
  SealedPart part;
  BalanceLines lines;
  for (const mysql::Row row : rows) {
    const int64_t last = part.records.empty() ? sequence : part.records.back().sequence;
    const int64_t next = static_cast<int64_t>(row.Uint64(0));
    if (next > last + 1) break;
    if (next > last) part.records.push_back(ReadRecordTime(row));
    // A document's record has no lines.
    if (!row.IsNull(4)) lines.Add(part.records.back(), row);
  }
  part.has_more = part.records.size() == static_cast<size_t>(records_max);
  if (part.records.empty()) return part;
  if (rows.size() == kLinesMax) {
    // The last movement may not be there with all its lines.
    part.has_more = true;
    part.records.pop_back();
    QM_CHECK(!part.records.empty());
  }
  part.lines = lines.UpTo(part.records.back().sequence);
  return part;
}

}  // namespace quartermaster::inventory
