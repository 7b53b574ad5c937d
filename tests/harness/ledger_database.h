#pragma once

#include "platform/mysql/pool.h"

namespace quartermaster::inventory {

// Returns the connections to this program's own database with the shipped schema, empty but for the
// rows of `LedgerWorld`.
mysql::Pool& EmptyLedgerDatabase();

}  // namespace quartermaster::inventory
