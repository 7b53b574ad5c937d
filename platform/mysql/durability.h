#pragma once

#include <map>
#include <string>
#include <vector>

namespace quartermaster::mysql {

// What a server falls short of, of what our promise to keep acknowledged writes rests on. Empty
// when all is as it must be. A service whose report is not empty is not ready.
struct DurabilityReport {
  // One sentence each: the variable, its value, and what it must be.
  std::vector<std::string> shortcomings;

  bool ok() const { return shortcomings.empty(); }
  std::string ToString() const;
};

// Judges server variables as `SHOW SESSION VARIABLES` gives them, by lower-case name.
DurabilityReport CheckDurability(const std::map<std::string, std::string>& variables);

}  // namespace quartermaster::mysql
