#pragma once

#include <array>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace quartermaster::rpc {

// Groups of methods that share a bounded queue and its threads; as in the protos' `CallClass`.
enum class CallClass { kRead, kWrite, kPosting, kReport };
inline constexpr std::array kCallClasses = {CallClass::kRead, CallClass::kWrite,
                                            CallClass::kPosting, CallClass::kReport};

// Returns `read`, `write`, `posting` or `report`.
absl::string_view CallClassName(CallClass call_class);

// What is known of a method before it runs.
struct MethodInfo {
  // For instance `quartermaster.inventory.v1.Ledger/PostMovement`.
  std::string name;
  // What the caller must hold somewhere.
  std::string permission;
  CallClass call_class;
};

// The methods of the services that a program serves, as their protos declare them. A plain value;
// thread-safe once made.
class MethodTable {
 public:
  // Reads the options of every method of `services` (`quartermaster.inventory.v1.Ledger`) from the
  // generated descriptors. Fails, naming the method, if one has no permission or no class, so that
  // a program with such a method does not start.
  static absl::StatusOr<MethodTable> Load(absl::Span<const absl::string_view> services);

  // Returns null for a method that is not in the table.
  const MethodInfo* Find(absl::string_view name) const;

  const std::vector<MethodInfo>& methods() const { return methods_; }

 private:
  std::vector<MethodInfo> methods_;
  // Positions in `methods_`.
  absl::flat_hash_map<std::string, size_t> by_name_;
};

}  // namespace quartermaster::rpc
