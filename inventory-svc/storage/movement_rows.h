#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "inventory-svc/domain/ledger_types.h"
#include "inventory-svc/domain/stock_store.h"
#include "platform/mysql/connection.h"
#include "platform/mysql/value.h"

namespace quartermaster::inventory {

// Reads movements with their lines, notes and reversals. `condition` continues a WHERE over
// `movements m`, may end in ORDER BY and LIMIT, and decides the order of the answer.
absl::StatusOr<std::vector<EarlierMovement>> ReadMovements(mysql::Connection& connection,
                                                           absl::string_view condition,
                                                           std::vector<mysql::Value> params);

// Returns how many of the movements `ids`, literals in the order of a list, fit onto a page that
// takes `limit`: fewer if they have very many lines, and one at least, if there are any.
absl::StatusOr<size_t> CountFitting(mysql::Connection& connection,
                                    const std::vector<std::string>& ids, size_t limit);

// Renders sixteen bytes as a literal: `x'0190…'`.
std::string UuidLiteral(const base::Uuid& uuid);

}  // namespace quartermaster::inventory
