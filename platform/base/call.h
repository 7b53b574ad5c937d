#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace quartermaster::base {

// Names of permissions, for instance `ledger.post`.
using PermissionSet = absl::flat_hash_set<std::string>;

// What a caller may do in one unit and all beneath it.
struct Grant {
  // For instance `units/east-bureau`.
  std::string unit;
  // Shared by all callers of the same role.
  std::shared_ptr<const PermissionSet> permissions;
  // From then on it counts for nothing.
  absl::Time end_time = absl::InfiniteFuture();
};

// Who asks: a person or another system. A plain value.
struct Caller {
  // `persons/{subject}` or `systems/{id}`; what request ids are scoped to. Never a relay's name.
  std::string name;
  std::vector<Grant> grants;

  // Returns the units for which some grant carries `permission` at `now`.
  std::vector<absl::string_view> UnitsWith(absl::string_view permission, absl::Time now) const;
  // Tells whether there is such a unit.
  bool MayAnywhere(absl::string_view permission, absl::Time now) const;
};

// W3C trace context, as it came in or as it was made at the edge.
struct TraceContext {
  // 32 lower-case hexadecimal digits.
  std::string trace_id;
  // 16 lower-case hexadecimal digits.
  std::string span_id;
};

// One call on its way through a service: who, until when, which method, which trace. The deadline
// is always finite: `rpc::Serve` sets the server's default when the caller sent none.
struct Call {
  Caller caller;
  absl::Time deadline;
  // For instance `quartermaster.inventory.v1.Ledger/PostMovement`.
  std::string method;
  TraceContext trace;
};

}  // namespace quartermaster::base
