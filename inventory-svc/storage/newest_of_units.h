#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inventory-svc/domain/ids.h"
#include "platform/base/uuid.h"
#include "platform/mysql/connection.h"

namespace quartermaster::inventory {

// What is listed newest first by the units that it touches.
struct NewestQuery {
  // The table that says which units each touches, and its column of ids, which ascend with time.
  // Its primary key begins with the unit and the id.
  std::string table;
  std::string id_column;
  // Only those of this item, by the index named beside it.
  std::optional<ItemId> item = std::nullopt;
  std::string item_index = "";
  std::vector<UnitId> units;
  // Only those before this one; nil: all.
  base::Uuid before;
  int limit = 100;
  // What else must hold of a row `s`, beginning with ` AND `; empty for nothing.
  std::string condition = "";
};

// Finds the newest ids of all units together, newest first. The work grows with the number of units
// and with the page, not with what is in the books: one look at each unit's newest tells which
// units can have any of the page at all, and those alone are read further.
absl::StatusOr<std::vector<base::Uuid>> FindNewestOfUnits(mysql::Connection& connection,
                                                          const NewestQuery& query);

}  // namespace quartermaster::inventory
