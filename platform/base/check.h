#pragma once

#include <cstdio>
#include <cstdlib>

// Ends the process when a promise that this program made to itself is broken, in every build type.
// Never for input, configuration or what a database answered: those are errors to return.
#define QM_CHECK(condition)                                                                \
  do {                                                                                     \
    if (!(condition)) [[unlikely]] {                                                       \
      std::fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                        \
    }                                                                                      \
  } while (false)
