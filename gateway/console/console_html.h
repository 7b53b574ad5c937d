#pragma once

#include "absl/strings/string_view.h"

namespace quartermaster::gateway {

// The text of `console.html`, put here by the build.
absl::string_view ConsoleHtml();

}  // namespace quartermaster::gateway
