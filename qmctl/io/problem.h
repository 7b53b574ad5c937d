#pragma once

#include <cstdint>
#include <string>

namespace quartermaster::qmctl {

// Something wrong in a file that a person wrote: where, what stands there, and what would be right.
struct Problem {
  std::string file;
  // As an editor counts lines, from 1; 0 when the file as a whole is meant.
  int64_t line = 0;
  // The column's name; empty when the row as a whole is meant.
  std::string column;
  // What stands there.
  std::string value;
  // What is wrong with it and what would be right.
  std::string description;

  friend bool operator==(const Problem&, const Problem&) = default;
};

// Renders one line: `movements.csv:17: column quantity, "12x": …`. Control characters in the value
// are shown as escapes and a long value is cut, so that a hostile file cannot write to a terminal.
std::string RenderProblem(const Problem& problem);

}  // namespace quartermaster::qmctl
