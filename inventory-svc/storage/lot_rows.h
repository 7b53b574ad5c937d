#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "inventory-svc/domain/stock_store.h"
#include "platform/mysql/connection.h"
#include "platform/mysql/value.h"

namespace quartermaster::inventory {

// Reads lots with the names of their item and owner. `condition` continues a WHERE over `lots t`,
// `items i` and `units u`, and may end in ORDER BY and LIMIT.
absl::StatusOr<std::vector<LotRow>> ReadLots(mysql::Connection& connection,
                                             absl::string_view condition,
                                             std::vector<mysql::Value> params);

}  // namespace quartermaster::inventory
