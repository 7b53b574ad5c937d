// Prints today's API surface, for tests/compat/api.txt.
#include <iostream>

#include "tests/compat/api_surface.h"

int main() {
  for (const std::string& line :
       quartermaster::compat::DescribeApi(quartermaster::compat::ApiFiles())) {
    std::cout << line << "\n";
  }
  return 0;
}
