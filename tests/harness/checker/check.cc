#include "tests/harness/checker/check.h"

#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"
#include "platform/base/uuid.h"
#include "platform/mysql/transaction.h"
#include "tests/harness/invariants.h"

namespace quartermaster::testing {
namespace {

// A movement as the tables hold it.
struct BookedMovement {
  std::string movement;
  int reason = 0;
  std::vector<AskedLine> lines;
};

// (caller, request id)
using RequestKey = std::pair<std::string, std::string>;
using Booked = std::multimap<RequestKey, BookedMovement>;

std::string ToText(const std::string& sixteen_bytes) {
  const std::optional<base::Uuid> uuid = base::Uuid::FromBytes(sixteen_bytes);
  return uuid.has_value() ? uuid->ToString() : "not a UUID";
}

// LEFT JOINs, so that a movement with parts missing is seen to lack them.
constexpr char kSelectLines[] =
    "SELECT m.caller, m.request_id, m.movement_id, m.reason, CONCAT(i.name, '/lots/', t.name), "
    "sp.name, s.state, dp.name, d.state, l.quantity FROM movements m "
    "LEFT JOIN movement_lines l ON l.movement_id = m.movement_id "
    "LEFT JOIN lots t ON t.lot_id = l.lot_id LEFT JOIN items i ON i.item_id = t.item_id "
    "LEFT JOIN balances s ON s.balance_id = l.source_balance_id "
    "LEFT JOIN locations sp ON sp.location_id = s.location_id "
    "LEFT JOIN balances d ON d.balance_id = l.destination_balance_id "
    "LEFT JOIN locations dp ON dp.location_id = d.location_id "
    "WHERE m.request_id IS NOT NULL ORDER BY m.movement_id, l.line";

Booked Gather(const mysql::Rows& rows) {
  Booked booked;
  BookedMovement* last = nullptr;
  for (const mysql::Row row : rows) {
    const std::string movement = absl::StrCat("movements/", ToText(row.String(2)));
    if (last == nullptr || last->movement != movement) {
      const auto added = booked.insert(
          {{row.String(0), ToText(row.String(1))},
           {.movement = movement, .reason = static_cast<int>(row.Int64(3)), .lines = {}}});
      last = &added->second;
    }
    bool is_whole = true;
    for (size_t column = 4; column < row.size(); ++column) is_whole &= !row.IsNull(column);
    if (!is_whole) continue;
    last->lines.push_back({.lot = row.String(4),
                           .source = row.String(5),
                           .source_state = static_cast<int>(row.Int64(6)),
                           .destination = row.String(7),
                           .destination_state = static_cast<int>(row.Int64(8)),
                           .base_quantity = row.Int64(9)});
  }
  return booked;
}

void CheckOne(const AskedMovement& asked, const Booked& booked, CheckReport& report) {
  using enum AskedMovement::Outcome;
  const auto complain = [&](const std::string& what) {
    report.violations.push_back(
        absl::StrCat("request ", asked.request_id, " of ", asked.caller, " ", what));
  };
  const auto [first, end] = booked.equal_range({asked.caller, asked.request_id});
  const auto count = std::distance(first, end);
  switch (asked.outcome) {
    case kAcknowledged:
      ++report.acknowledged_count;
      if (count != 1)
        complain(absl::StrCat("was acknowledged and is in the books ", count, " times"));
      break;
    case kRefused:
      ++report.refused_count;
      if (count != 0) complain(absl::StrCat("was refused and is in the books ", count, " times"));
      break;
    case kOpen:
      ++report.open_count;
      report.open_booked_count += count > 0 ? 1 : 0;
      if (count > 1) complain(absl::StrCat("is in the books ", count, " times"));
  }
  if (count == 0) return;
  const BookedMovement& found = first->second;
  if (found.lines != asked.lines || found.reason != asked.reason) {
    complain(absl::StrCat("is in the books otherwise than it was asked: ", found.movement));
  }
  if (asked.outcome == kAcknowledged && found.movement != asked.movement) {
    complain(absl::StrCat("was answered as ", asked.movement, " and is ", found.movement));
  }
}

}  // namespace

absl::StatusOr<CheckReport> CheckHistory(mysql::Pool& pool,
                                         const std::vector<AskedMovement>& history) {
  Booked booked;
  QM_RETURN_IF_ERROR(mysql::InSnapshot(
      pool, absl::Now() + absl::Minutes(1), [&](mysql::Connection& connection) -> absl::Status {
        QM_ASSIGN_OR_RETURN(const mysql::Rows rows, connection.Query(kSelectLines));
        booked = Gather(rows);
        return absl::OkStatus();
      }));
  CheckReport report;
  std::set<std::string> callers;
  std::set<RequestKey> asked;
  for (const AskedMovement& movement : history) {
    callers.insert(movement.caller);
    asked.insert({movement.caller, movement.request_id});
    CheckOne(movement, booked, report);
  }
  for (const auto& [key, movement] : booked) {
    if (callers.contains(key.first) && !asked.contains(key)) {
      report.violations.push_back(absl::StrCat(movement.movement, " is in the books of ", key.first,
                                               " and was never asked for"));
    }
  }
  for (std::string& violation : FindBookViolations(pool)) {
    report.violations.push_back(std::move(violation));
  }
  return report;
}

}  // namespace quartermaster::testing
