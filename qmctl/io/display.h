#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace quartermaster::qmctl {

// Returns how many columns `text` takes on a terminal: two for a Chinese character or a full-width
// form, none for a combining mark. Bytes that are not UTF-8 count one each.
int DisplayWidth(absl::string_view text);

// Returns `text` with control characters and what reorders text shown as `\x1b`, so that a note in
// the books cannot move a terminal's cursor.
std::string EscapeControls(absl::string_view text);

// Returns `text`, cut with an ellipsis when it is wider than `width` columns.
std::string CutToWidth(absl::string_view text, int width);

}  // namespace quartermaster::qmctl
