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

// What the tables hold.
struct Booked {
  std::multimap<RequestKey, BookedMovement> movements;
  // The answer that each change of a document got: `transfers/{uuid}@v3`.
  std::multimap<RequestKey, std::string> changes;
};

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

// The versions too, so that an answer without its document is no answer.
constexpr char kSelectChanges[] =
    "SELECT q.caller, q.request_id, CONCAT(v.resource, '@v', v.version) FROM requests q LEFT JOIN "
    "document_versions v ON v.resource = q.resource AND v.version = q.version";

std::multimap<RequestKey, BookedMovement> GatherMovements(const mysql::Rows& rows) {
  std::multimap<RequestKey, BookedMovement> movements;
  BookedMovement* last = nullptr;
  for (const mysql::Row row : rows) {
    const std::string movement = absl::StrCat("movements/", ToText(row.String(2)));
    if (last == nullptr || last->movement != movement) {
      const auto added = movements.insert(
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
  return movements;
}

std::multimap<RequestKey, std::string> GatherChanges(const mysql::Rows& rows) {
  std::multimap<RequestKey, std::string> changes;
  for (const mysql::Row row : rows) {
    changes.insert({{row.String(0), ToText(row.String(1))},
                    row.IsNull(2) ? "a document that is gone" : row.String(2)});
  }
  return changes;
}

class Check {
 public:
  explicit Check(const Booked& booked) : booked_(booked) {}

  void Movement(const AskedMovement& asked) {
    Remember(asked);
    const auto [first, end] = booked_.movements.equal_range({asked.caller, asked.request_id});
    Count(asked, std::distance(first, end));
    if (first == end) return;
    const BookedMovement& found = first->second;
    if (found.lines != asked.lines || found.reason != asked.reason) {
      Complain(asked, "is in the books otherwise than it was asked: " + found.movement);
    }
    CompareAnswers(asked, found.movement);
  }

  void Change(const AskedRequest& asked) {
    Remember(asked);
    const auto [first, end] = booked_.changes.equal_range({asked.caller, asked.request_id});
    Count(asked, std::distance(first, end));
    if (first != end) CompareAnswers(asked, first->second);
  }

  // After all of the history: what else is there of the callers in it.
  void Rest() {
    const auto look = [&](const RequestKey& key, const std::string& what) {
      if (!callers_.contains(key.first) || asked_.contains(key)) return;
      report_.violations.push_back(
          absl::StrCat(what, " is in the books of ", key.first, " and was never asked for"));
    };
    for (const auto& [key, movement] : booked_.movements) look(key, movement.movement);
    for (const auto& [key, change] : booked_.changes) look(key, change);
  }

  CheckReport TakeReport() { return std::move(report_); }

 private:
  void Remember(const AskedRequest& asked) {
    callers_.insert(asked.caller);
    asked_.insert({asked.caller, asked.request_id});
  }

  void Complain(const AskedRequest& asked, const std::string& what) {
    report_.violations.push_back(
        absl::StrCat("request ", asked.request_id, " of ", asked.caller, " ", what));
  }

  void Count(const AskedRequest& asked, int64_t count) {
    using enum AskedRequest::Outcome;
    const std::string times = absl::StrCat("is in the books ", count, " times");
    switch (asked.outcome) {
      case kAcknowledged:
        ++report_.acknowledged_count;
        if (count != 1) Complain(asked, "was acknowledged and " + times);
        break;
      case kRefused:
        ++report_.refused_count;
        if (count != 0) Complain(asked, "was refused and " + times);
        break;
      case kOpen:
        ++report_.open_count;
        report_.open_booked_count += count > 0 ? 1 : 0;
        if (count > 1) Complain(asked, times);
    }
  }

  void CompareAnswers(const AskedRequest& asked, const std::string& found) {
    if (asked.outcome != AskedRequest::Outcome::kAcknowledged || asked.answer == found) return;
    Complain(asked, absl::StrCat("was answered as ", asked.answer, " and is ", found));
  }

  const Booked& booked_;
  std::set<std::string> callers_;
  std::set<RequestKey> asked_;
  CheckReport report_;
};

}  // namespace

absl::StatusOr<CheckReport> CheckHistory(mysql::Pool& pool, const History& history) {
  Booked booked;
  QM_RETURN_IF_ERROR(mysql::InSnapshot(
      pool, absl::Now() + absl::Minutes(1), [&](mysql::Connection& connection) -> absl::Status {
        QM_ASSIGN_OR_RETURN(const mysql::Rows lines, connection.Query(kSelectLines));
        booked.movements = GatherMovements(lines);
        QM_ASSIGN_OR_RETURN(const mysql::Rows changes, connection.Query(kSelectChanges));
        booked.changes = GatherChanges(changes);
        return absl::OkStatus();
      }));
  Check check(booked);
  for (const AskedMovement& movement : history.movements) check.Movement(movement);
  for (const AskedRequest& change : history.changes) check.Change(change);
  check.Rest();
  CheckReport report = check.TakeReport();
  for (std::string& violation : FindBookViolations(pool)) {
    report.violations.push_back(std::move(violation));
  }
  return report;
}

}  // namespace quartermaster::testing
