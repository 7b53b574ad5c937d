#pragma once

namespace quartermaster::auth {

// The text of `roles.json`, put here by the build.
extern const char kRolesJson[];

}  // namespace quartermaster::auth
