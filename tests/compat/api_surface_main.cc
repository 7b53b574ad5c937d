// Prints today's API surface, for tests/compat/api.txt.
#include <iostream>

#include "protos/api_files.h"
#include "tests/compat/api_surface.h"

int main() {
  for (const std::string& line : quartermaster::compat::DescribeApi(quartermaster::ApiFiles())) {
    std::cout << line << "\n";
  }
  return 0;
}
