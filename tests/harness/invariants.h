#pragma once

#include <string>
#include <vector>

#include "platform/mysql/pool.h"

namespace quartermaster::testing {

// Reads the whole books, as the tables hold them, and returns a sentence for each promise that they
// break; nothing if all hold. Looks at one instant, so it may run while others post. Rests on the
// tables alone and on no code of the services.
//
// Called after every test that touches the books.
std::vector<std::string> FindBookViolations(mysql::Pool& pool);

}  // namespace quartermaster::testing
