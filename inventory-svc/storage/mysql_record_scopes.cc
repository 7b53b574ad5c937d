#include "inventory-svc/storage/mysql_record_scopes.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "inventory-svc/storage/movement_rows.h"
#include "platform/base/status_macros.h"
#include "platform/base/uuid.h"

namespace quartermaster::inventory {
namespace {

using UnitsByName = absl::flat_hash_map<std::string, std::vector<std::string>>;

// What has to be looked up for a page of records.
struct Wanted {
  std::vector<std::string> movement_ids;
  std::vector<std::string> transfer_ids;
  // Pairs of an item's name and the last part of a lot's.
  std::vector<std::string> lots;
};

std::optional<std::string> ReadId(absl::string_view resource, absl::string_view collection) {
  if (!absl::ConsumePrefix(&resource, collection)) return std::nullopt;
  const std::optional<base::Uuid> id = base::Uuid::Parse(resource);
  if (!id.has_value()) return std::nullopt;
  return UuidLiteral(*id);
}

// Names in resources are of lower-case letters, digits and hyphens alone; anything else is not
// looked up.
bool IsPlain(absl::string_view text) {
  return absl::c_all_of(text, [](char c) {
    return ('a' <= c && c <= 'z') || ('0' <= c && c <= '9') || c == '-' || c == '/';
  });
}

Wanted CollectWanted(const std::vector<records::SealedRecord>& sealed) {
  Wanted wanted;
  for (const records::SealedRecord& record : sealed) {
    const std::string& resource = record.record.resource;
    if (auto id = ReadId(resource, "movements/")) {
      wanted.movement_ids.push_back(*std::move(id));
    } else if (auto transfer = ReadId(resource, "transfers/")) {
      wanted.transfer_ids.push_back(*std::move(transfer));
    } else if (absl::StartsWith(resource, "items/") && IsPlain(resource)) {
      const std::vector<std::string> parts = absl::StrSplit(resource, "/lots/");
      if (parts.size() == 2) {
        wanted.lots.push_back(absl::StrCat("('", parts[0], "','", parts[1], "')"));
      }
    }
  }
  return wanted;
}

std::vector<mysql::Statement> LookUps(const Wanted& wanted) {
  std::vector<mysql::Statement> statements;
  if (!wanted.movement_ids.empty()) {
    const std::string ids = absl::StrJoin(wanted.movement_ids, ",");
    const auto side = [&](absl::string_view balance) {
      return absl::StrCat(
          "SELECT m.movement_id AS id, 'movements/', u.name FROM movement_lines m JOIN balances b "
          "ON b.balance_id = m.",
          balance, " JOIN units u ON u.unit_id = b.unit_id WHERE m.movement_id IN (", ids, ")");
    };
    statements.push_back(
        {absl::StrCat(side("source_balance_id"), " UNION ", side("destination_balance_id"))});
  }
  if (!wanted.transfer_ids.empty()) {
    statements.push_back({absl::StrCat(
        "SELECT s.transfer_id, 'transfers/', u.name FROM transfer_scopes s JOIN units u ON "
        "u.unit_id = s.unit_id WHERE s.transfer_id IN (",
        absl::StrJoin(wanted.transfer_ids, ","), ")")});
  }
  if (!wanted.lots.empty()) {
    statements.push_back({absl::StrCat(
        "SELECT CONCAT(i.name, '/lots/', t.name), '', u.name FROM items i JOIN lots t ON t.item_id "
        "= i.item_id JOIN units u ON u.unit_id = t.owner_unit_id WHERE (i.name, t.name) IN (",
        absl::StrJoin(wanted.lots, ","), ")")});
  }
  return statements;
}

UnitsByName ReadUnits(const std::vector<mysql::Rows>& results) {
  UnitsByName units;
  for (const mysql::Rows& rows : results) {
    for (const mysql::Row row : rows) {
      const std::string& collection = row.String(1);
      std::string resource = row.String(0);
      if (!collection.empty()) {
        const std::optional<base::Uuid> id = base::Uuid::FromBytes(resource);
        if (!id.has_value()) continue;
        resource = absl::StrCat(collection, id->ToString());
      }
      units[resource].push_back(row.String(2));
    }
  }
  return units;
}

records::Scope ToScope(const std::string& resource, const UnitsByName& units) {
  if (absl::StartsWith(resource, "units/")) {
    const std::vector<std::string> parts = absl::StrSplit(resource, '/');
    return {.units = {absl::StrCat(parts[0], "/", parts[1])}};
  }
  if (const auto found = units.find(resource); found != units.end()) {
    return {.units = found->second};
  }
  const bool is_item = absl::StartsWith(resource, "items/") &&
                       !absl::StrContains(resource.substr(sizeof("items/") - 1), '/');
  return {.is_everybodys = is_item};
}

}  // namespace

absl::StatusOr<std::vector<records::Scope>> MysqlRecordScopes::FindScopes(
    absl::Time deadline, const std::vector<records::SealedRecord>& sealed) {
  UnitsByName units;
  if (const std::vector<mysql::Statement> look_ups = LookUps(CollectWanted(sealed));
      !look_ups.empty()) {
    QM_ASSIGN_OR_RETURN(const mysql::Lease connection, pool_.Acquire(deadline));
    connection->set_read_deadline(deadline);
    QM_ASSIGN_OR_RETURN(const std::vector<mysql::Rows> results, connection->ExecuteBatch(look_ups));
    units = ReadUnits(results);
  }
  std::vector<records::Scope> scopes;
  scopes.reserve(sealed.size());
  for (const records::SealedRecord& record : sealed) {
    scopes.push_back(ToScope(record.record.resource, units));
  }
  const std::shared_ptr<const UnitTree> tree = units_.tree();
  const bool knows_all = std::ranges::all_of(scopes, [&](const records::Scope& scope) {
    return std::ranges::all_of(
        scope.units, [&](const std::string& unit) { return tree->Find(unit).has_value(); });
  });
  if (!knows_all) QM_RETURN_IF_ERROR(units_.Refresh(deadline));
  return scopes;
}

}  // namespace quartermaster::inventory
