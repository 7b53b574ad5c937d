#pragma once

#include <string>

#include "absl/status/status.h"

namespace quartermaster::qmctl {

// What a script may branch on. Documented in `--help`.
enum class ExitCode {
  kOk = 0,
  // The server said no.
  kRefused = 1,
  // The command line or a file is wrong; nothing was sent.
  kUsage = 2,
  // No answer: nobody there, or the outcome is unknown. Running it again is safe.
  kUnreachable = 3,
  // Part of an import was posted, part was refused.
  kPartlyImported = 4,
};

enum class Language { kEnglish, kChinese };

// Returns the text in the language asked for.
inline std::string Pick(Language language, const char* english, const char* chinese) {
  return language == Language::kChinese ? chinese : english;
}

ExitCode ToExitCode(const absl::Status& status);

// Renders an error for a person: what was refused and why, each field that is wrong, and what to
// do. Several lines, the last without a line end.
std::string RenderError(const absl::Status& error, Language language);

// Renders an error in one line, for a list of many.
std::string RenderErrorLine(const absl::Status& error);

}  // namespace quartermaster::qmctl
