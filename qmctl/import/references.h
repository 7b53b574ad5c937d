#pragma once

#include <vector>

#include "qmctl/import/books.h"
#include "qmctl/import/plan.h"
#include "qmctl/io/problem.h"

namespace quartermaster::qmctl {

// Checks, before anything is sent, that whatever a plan's rows name is in the books or in the plan:
// parents, owners, places, items, lots, and that quantities are in units which the item declares.
// Also that what is in the books already is there as the file has it; how it differs is told. Pure.
void CheckReferences(const Plan& plan, const Books& books, std::vector<Problem>& problems);

}  // namespace quartermaster::qmctl
