#pragma once

#include <string>
#include <vector>

// What waits for whom.
namespace quartermaster::document {

// Where a caller holds one permission.
struct TaskGrant {
  std::string permission;
  // Whether it is held for every unit.
  bool is_everywhere = false;
  // Otherwise for these.
  std::vector<std::string> units;
};

// Picks the open steps that a caller may take: the permission is held for each unit that the step
// asks for, and no earlier step of the caller's own bars it.
struct TaskFilter {
  std::string caller;
  std::vector<TaskGrant> grants;
};

}  // namespace quartermaster::document
