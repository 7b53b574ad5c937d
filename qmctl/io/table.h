#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace quartermaster::qmctl {

// What is printed in rows and columns. A plain value.
struct Table {
  struct Column {
    std::string title;
    // Numbers stand to the right.
    bool is_number = false;
  };
  std::vector<Column> columns;
  // Each with as many cells as there are columns.
  std::vector<std::vector<std::string>> rows;
};

// Renders for a terminal: columns lined up by display width, two blanks between them, no blanks at
// the ends of lines, control characters shown as escapes.
std::string RenderTable(const Table& table);

// Renders RFC 4180 CSV with a header row, guarded against formulas; see `RenderCsvField`.
std::string RenderTableAsCsv(const Table& table);

// Groups the digits of a whole number by threes: 938000 → 938,000.
std::string RenderCount(int64_t count);

}  // namespace quartermaster::qmctl
