#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace quartermaster::qmctl {

// Where a token may come from; the first that is given counts.
struct TokenSource {
  // A file that holds nothing but the token.
  std::string file;
  // A person of the demo on this machine.
  std::string person;
  // The token itself, from the environment.
  std::string token;

  bool is_given() const { return !file.empty() || !person.empty() || !token.empty(); }
};

// Returns the token; empty if no source is given. Fails if a file cannot be read, or if the demo of
// this checkout is not up or has no such person: the error names those there are.
absl::StatusOr<std::string> ReadToken(const TokenSource& source);

}  // namespace quartermaster::qmctl
