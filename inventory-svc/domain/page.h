#pragma once

#include <string>
#include <vector>

namespace quartermaster::inventory {

// Which part of a list ordered by name.
struct PageRequest {
  // Begins after this name; empty for the first page.
  std::string after;
  int32_t size = 100;
};

// A part of a list.
template <typename T>
struct Page {
  std::vector<T> rows;
  // What the next page begins after; empty if this is the last.
  std::string next_after;
};

}  // namespace quartermaster::inventory
