#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "platform/auth/roles.h"
#include "platform/base/call.h"

namespace quartermaster::auth {

// The systems that may call a service directly, by the SPIFFE id of their certificate. Immutable,
// hence thread-safe.
class Systems {
 public:
  static constexpr size_t kBytesMax = 1 << 20;

  // Reads
  //
  //   {"spiffe://quartermaster/systems/province":
  //      {"name": "systems/province", "grants": [{"role": "integrator", "unit": "units/east"}]}}
  //
  // INVALID_ARGUMENT, naming the entry, if it is malformed, if two share a name (request ids are
  // scoped to it), or if a role is not one of `roles`: here, unlike in a token, that is a slip of
  // the pen.
  static absl::StatusOr<Systems> Parse(absl::string_view json, const Roles& roles);

  // Returns the system or null.
  const base::Caller* Find(absl::string_view spiffe_id) const;

 private:
  absl::flat_hash_map<std::string, base::Caller> callers_;
};

}  // namespace quartermaster::auth
