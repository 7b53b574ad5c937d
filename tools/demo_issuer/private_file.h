#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace quartermaster::demo {

// What the demo keeps in its folder: a few kilobytes, readable by its owner alone.
inline constexpr size_t kFileBytesMax = 65536;

// Makes a folder that only its owner may enter, and those above it, unless they are there.
absl::Status MakePrivateFolder(const std::string& path);
// Tells whether there is anything at `path`.
bool Exists(const std::string& path);
// Returns a file's text.
absl::StatusOr<std::string> ReadFile(const std::string& path);
// Writes a file of mode 0600, whole or not at all. ALREADY_EXISTS if there is one.
absl::Status WriteNewFile(const std::string& path, absl::string_view text);
// Writes a file of mode 0600 in place of what is there; a reader sees the old one or the new.
absl::Status ReplaceFile(const std::string& path, absl::string_view text);

}  // namespace quartermaster::demo
