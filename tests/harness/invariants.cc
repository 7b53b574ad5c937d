#include "tests/harness/invariants.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/transaction.h"
#include "tests/harness/chain_invariant.h"

namespace quartermaster::testing {
namespace {

// How the sixteen bytes of a column read as text.
#define QM_UUID_TEXT(column)                      \
  "LOWER(INSERT(INSERT(INSERT(INSERT(HEX(" column \
  "), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-'))"

// One promise: a statement that gives a row for each place where it is broken, with a text that
// names the place. `table` is one of those it reads; a schema without it has nothing to break.
struct Invariant {
  const char* promise;
  const char* table;
  const char* sql;
};

constexpr Invariant kInvariants[] = {
    {"the balances of an item sum to zero", "balances",
     "SELECT CONCAT('item ', t.item_id, ' sums to ', SUM(b.quantity)) FROM balances b "
     "JOIN lots t ON t.lot_id = b.lot_id GROUP BY t.item_id HAVING SUM(b.quantity) <> 0"},
    {"the balances of a lot sum to zero", "balances",
     "SELECT CONCAT('lot ', lot_id, ' sums to ', SUM(quantity)) FROM balances GROUP BY lot_id "
     "HAVING SUM(quantity) <> 0"},
    {"what is inside is never negative", "balances",
     "SELECT CONCAT('balance ', balance_id, ' holds ', quantity) FROM balances "
     "WHERE state < 16 AND quantity < 0"},
    {"a balance is the sum of its lines", "balances",
     "SELECT CONCAT('balance ', b.balance_id, ' holds ', b.quantity, ', its lines sum to ', "
     "COALESCE(s.quantity, 0)) FROM balances b LEFT JOIN (SELECT balance_id, SUM(quantity) AS "
     "quantity FROM (SELECT destination_balance_id AS balance_id, quantity FROM movement_lines "
     "UNION ALL SELECT source_balance_id, -quantity FROM movement_lines) x GROUP BY balance_id) s "
     "ON s.balance_id = b.balance_id WHERE b.quantity <> COALESCE(s.quantity, 0)"},
    {"a line names balances that exist", "movement_lines",
     "SELECT CONCAT('movement ', HEX(l.movement_id), ' line ', l.line) FROM movement_lines l "
     "LEFT JOIN balances s ON s.balance_id = l.source_balance_id LEFT JOIN balances d ON "
     "d.balance_id = l.destination_balance_id WHERE s.balance_id IS NULL OR d.balance_id IS NULL"},
    {"a line, its balances and their lot agree", "movement_lines",
     "SELECT CONCAT('movement ', HEX(l.movement_id), ' line ', l.line) FROM movement_lines l "
     "JOIN balances s ON s.balance_id = l.source_balance_id JOIN balances d ON d.balance_id = "
     "l.destination_balance_id WHERE s.lot_id <> l.lot_id OR d.lot_id <> l.lot_id OR "
     "l.source_balance_id = l.destination_balance_id OR l.quantity <= 0"},
    {"a balance repeats its lot's item and its location's unit", "balances",
     "SELECT CONCAT('balance ', b.balance_id) FROM balances b JOIN lots t ON t.lot_id = b.lot_id "
     "JOIN locations p ON p.location_id = b.location_id WHERE b.item_id <> t.item_id OR b.unit_id "
     "<> p.unit_id"},
    {"a balance knows its latest movement", "balances",
     "SELECT CONCAT('balance ', b.balance_id, ' says ', b.last_record_time, ', its movements say "
     "', "
     "x.record_time) FROM balances b JOIN (SELECT balance_id, MAX(record_time) AS record_time FROM "
     "(SELECT l.source_balance_id AS balance_id, m.record_time FROM movement_lines l JOIN "
     "movements m ON m.movement_id = l.movement_id UNION ALL SELECT l.destination_balance_id, "
     "m.record_time FROM movement_lines l JOIN movements m ON m.movement_id = l.movement_id) y "
     "GROUP BY balance_id) x ON x.balance_id = b.balance_id WHERE x.record_time <> "
     "b.last_record_time"},
    {"a movement has lines, counted from 1", "movements",
     "SELECT CONCAT('movement ', HEX(m.movement_id), ' has ', COUNT(l.line)) FROM movements m LEFT "
     "JOIN movement_lines l ON l.movement_id = m.movement_id GROUP BY m.movement_id HAVING "
     "COUNT(l.line) = 0 OR MIN(l.line) <> 1 OR MAX(l.line) <> COUNT(l.line)"},
    {"a line belongs to a movement", "movement_lines",
     "SELECT CONCAT('movement ', HEX(l.movement_id), ' line ', l.line) FROM movement_lines l LEFT "
     "JOIN movements m ON m.movement_id = l.movement_id WHERE m.movement_id IS NULL"},
    {"a request is in the books once", "movements",
     "SELECT CONCAT(caller, ' ', HEX(request_id), ' ', COUNT(*), ' times') FROM movements WHERE "
     "request_id IS NOT NULL GROUP BY caller, request_id HAVING COUNT(*) > 1"},
    {"a movement carries a request or belongs to a document", "movements",
     "SELECT CONCAT('movement ', HEX(movement_id)) FROM movements WHERE (request_id IS NULL) = "
     "(document_id IS NULL)"},
    {"a movement is reversed once", "movements",
     "SELECT CONCAT('movement ', HEX(reverses_movement_id), ' ', COUNT(*), ' times') FROM "
     "movements "
     "WHERE reverses_movement_id IS NOT NULL GROUP BY reverses_movement_id HAVING COUNT(*) > 1"},
    {"a reversal reverses an earlier movement that is no reversal", "movements",
     "SELECT CONCAT('movement ', HEX(r.movement_id)) FROM movements r LEFT JOIN movements m ON "
     "m.movement_id = r.reverses_movement_id WHERE r.reverses_movement_id IS NOT NULL AND "
     "(m.movement_id IS NULL OR m.reverses_movement_id IS NOT NULL OR m.document_id IS NOT NULL OR "
     "m.record_time >= r.record_time OR m.occurred_time <> r.occurred_time)"},
    {"a reversal puts every line back", "movements",
     "SELECT CONCAT('movement ', HEX(r.movement_id), ' line ', l.line) FROM movements r JOIN "
     "movement_lines l ON l.movement_id = r.reverses_movement_id LEFT JOIN movement_lines o ON "
     "o.movement_id = r.movement_id AND o.line = (SELECT COUNT(*) FROM movement_lines c WHERE "
     "c.movement_id = l.movement_id) + 1 - l.line WHERE o.line IS NULL OR o.quantity <> l.quantity "
     "OR o.lot_id <> l.lot_id OR o.source_balance_id <> l.destination_balance_id OR "
     "o.destination_balance_id <> l.source_balance_id"},
    {"a movement leaves one record", "movements",
     "SELECT CONCAT('movement ', HEX(m.movement_id)) FROM movements m LEFT JOIN records r ON "
     "r.record_id = m.movement_id WHERE r.record_id IS NULL OR r.caller <> m.caller OR "
     "r.record_time <> m.record_time OR r.occurred_time <> m.occurred_time OR (m.request_id IS NOT "
     "NULL AND r.request_id <> m.request_id) OR r.resource <> CONCAT('movements/', " QM_UUID_TEXT(
         "m.movement_id") ")"},
    {"a record of a movement has its movement", "records",
     "SELECT r.resource FROM records r LEFT JOIN movements m ON m.movement_id = r.record_id WHERE "
     "r.resource LIKE 'movements/%' AND m.movement_id IS NULL"},
    {"a movement is listed under the units and items it touched", "movement_scopes",
     "SELECT CONCAT('movement ', HEX(COALESCE(x.movement_id, s.movement_id))) FROM (SELECT "
     "DISTINCT "
     "l.movement_id, b.unit_id, b.item_id FROM movement_lines l JOIN balances b ON b.balance_id IN "
     "(l.source_balance_id, l.destination_balance_id)) x LEFT JOIN movement_scopes s ON "
     "s.movement_id = x.movement_id AND s.unit_id = x.unit_id AND s.item_id = x.item_id WHERE "
     "s.movement_id IS NULL"},
    {"a paper is held by the movement that names it", "source_documents",
     "SELECT CONCAT(p.issuer, ' ', p.number, ' ', p.line) FROM source_documents p LEFT JOIN "
     "movements m ON m.movement_id = p.movement_id AND m.source_issuer = p.issuer AND "
     "m.source_number = p.number AND m.source_line = p.line LEFT JOIN movements r ON "
     "r.reverses_movement_id = p.movement_id WHERE m.movement_id IS NULL OR r.movement_id IS NOT "
     "NULL"},
    {"a movement that stands holds its paper", "movements",
     "SELECT CONCAT('movement ', HEX(m.movement_id)) FROM movements m LEFT JOIN movements r ON "
     "r.reverses_movement_id = m.movement_id LEFT JOIN source_documents p ON p.movement_id = "
     "m.movement_id WHERE m.source_issuer IS NOT NULL AND r.movement_id IS NULL AND p.movement_id "
     "IS NULL"},
    {"a document's versions count up from 1", "document_versions",
     "SELECT CONCAT(resource, ' has ', COUNT(*), ' up to ', MAX(version)) FROM document_versions "
     "GROUP BY resource HAVING MIN(version) <> 1 OR MAX(version) <> COUNT(*)"},
    {"a version of a document leaves its record", "document_versions",
     "SELECT CONCAT(v.resource, ' ', v.version) FROM document_versions v LEFT JOIN records r ON "
     "r.record_id = v.record_id AND r.resource = v.resource AND r.record_time = v.record_time "
     "WHERE r.record_id IS NULL"},
    {"a request that was answered points to its answer", "requests",
     "SELECT CONCAT(q.caller, ' ', HEX(q.request_id)) FROM requests q LEFT JOIN document_versions "
     "v "
     "ON v.resource = q.resource AND v.version = q.version WHERE v.resource IS NULL"},
    {"goods are held for transfers that are on their way, and for no others", "transfer_scopes",
     "SELECT CONCAT('balance ', b.balance_id, ' holds ', b.quantity, ' for ', " QM_UUID_TEXT(
         "b.holder") ", ', ', COALESCE(v.state, 'which does not exist')) FROM balances b LEFT "
                     "JOIN document_versions v ON v.resource = CONCAT('transfers/', " QM_UUID_TEXT(
                         "b.holder") ") AND v.version = (SELECT MAX(n.version) FROM "
                                     "document_versions n WHERE n.resource = "
                                     "v.resource) WHERE b.holder <> REPEAT(CHAR(0), 16) AND "
                                     "b.quantity <> 0 AND (v.state IS NULL OR "
                                     "v.state NOT IN ('ON_THE_WAY', 'PARTIALLY_RECEIVED'))"},
    {"a movement of a document has its document", "transfer_scopes",
     "SELECT CONCAT('movement ', HEX(m.movement_id)) FROM movements m LEFT JOIN document_versions "
     "v "
     "ON v.resource = CONCAT('transfers/', " QM_UUID_TEXT(
         "m.document_id") ") AND v.version = 1 WHERE m.document_id IS NOT NULL AND v.resource IS "
                          "NULL"},
};

absl::StatusOr<bool> HasTable(mysql::Connection& connection, const char* table) {
  QM_ASSIGN_OR_RETURN(
      const mysql::Rows rows,
      connection.Query("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
                       "DATABASE() AND TABLE_NAME = ?",
                       {std::string(table)}));
  return rows[0].Int64(0) == 1;
}

}  // namespace

std::vector<std::string> FindBookViolations(mysql::Pool& pool) {
  std::vector<std::string> violations;
  const absl::Status looked = mysql::InSnapshot(
      pool, absl::Now() + absl::Minutes(1), [&](mysql::Connection& connection) -> absl::Status {
        for (const Invariant& invariant : kInvariants) {
          QM_ASSIGN_OR_RETURN(const bool has_table, HasTable(connection, invariant.table));
          if (!has_table) continue;
          QM_ASSIGN_OR_RETURN(const mysql::Rows rows,
                              connection.Query(absl::StrCat(invariant.sql, " LIMIT 20")));
          for (const mysql::Row row : rows) {
            violations.push_back(absl::StrCat("broken: ", invariant.promise, ": ",
                                              row.IsNull(0) ? "?" : row.String(0)));
          }
        }
        QM_ASSIGN_OR_RETURN(const bool has_chain, HasTable(connection, "record_blocks"));
        if (!has_chain) return absl::OkStatus();
        QM_ASSIGN_OR_RETURN(const std::vector<std::string> chain, FindChainViolations(connection));
        violations.insert(violations.end(), chain.begin(), chain.end());
        return absl::OkStatus();
      });
  if (!looked.ok()) violations.push_back(absl::StrCat("cannot look: ", looked.ToString()));
  return violations;
}

}  // namespace quartermaster::testing
