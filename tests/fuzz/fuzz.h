#pragma once

#include "absl/strings/string_view.h"

namespace quartermaster::testing {

// What each fuzzer defines: gives one input to the code under test and ends the program if what
// must hold does not. Called again and again, on one thread.
void TryInput(absl::string_view input);

}  // namespace quartermaster::testing
