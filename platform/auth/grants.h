#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace quartermaster::auth {

// The most grants that one person or system may hold.
inline constexpr size_t kGrantsMax = 32;

// A role in a unit and all beneath it, as tokens and files carry it:
// `{"role": "dispatcher", "unit": "units/east-bureau", "end": "2026-09-30T16:00:00Z"}`.
struct RoleGrant {
  std::string role;
  std::string unit;
  // From then on it counts for nothing. `end` may be left out.
  absl::Time end_time = absl::InfiniteFuture();

  friend bool operator==(const RoleGrant&, const RoleGrant&) = default;
};

// Tells whether `text` is an id as our names have them: `[a-z]([a-z0-9-]{0,61}[a-z0-9])?`.
bool IsId(absl::string_view text);

// Reads an array of at most `kGrantsMax` grants. INVALID_ARGUMENT if one breaks its format or has a
// member that we do not know: it could be one that narrows it.
absl::StatusOr<std::vector<RoleGrant>> ParseRoleGrants(const nlohmann::json& grants);
// Reads `dispatcher@units/east-bureau`.
absl::StatusOr<RoleGrant> ParseRoleAtUnit(absl::string_view text);
nlohmann::json RenderRoleGrants(const std::vector<RoleGrant>& grants);

}  // namespace quartermaster::auth
