#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the enclosing function with the status of `expression` unless it is OK.
#define QM_RETURN_IF_ERROR(expression)                            \
  do {                                                            \
    if (absl::Status qm_status = (expression); !qm_status.ok()) { \
      return qm_status;                                           \
    }                                                             \
  } while (false)

#define QM_MACRO_JOIN_INNER(a, b) a##b
#define QM_MACRO_JOIN(a, b) QM_MACRO_JOIN_INNER(a, b)

// Declares or assigns `target` from the value of the `StatusOr` that `expression` returns, or
// returns its status from the enclosing function. A `target` with a comma needs parentheses around
// its type, as in any macro.
#define QM_ASSIGN_OR_RETURN(target, expression) \
  QM_ASSIGN_OR_RETURN_INNER(QM_MACRO_JOIN(qm_status_or_, __LINE__), target, expression)
#define QM_ASSIGN_OR_RETURN_INNER(result, target, expression) \
  auto result = (expression);                                 \
  if (!result.ok()) {                                         \
    return std::move(result).status();                        \
  }                                                           \
  target = *std::move(result)
