#include "qmctl/io/problem.h"

#include "absl/strings/str_cat.h"
#include "qmctl/io/display.h"

namespace quartermaster::qmctl {
namespace {

// As many columns of a value as are worth repeating.
constexpr int kValueWidthMax = 60;

}  // namespace

std::string RenderProblem(const Problem& problem) {
  std::string text = problem.file;
  if (problem.line > 0) absl::StrAppend(&text, ":", problem.line);
  absl::StrAppend(&text, ": ");
  if (!problem.column.empty()) {
    absl::StrAppend(&text, "column ", EscapeControls(problem.column), ", \"",
                    CutToWidth(EscapeControls(problem.value), kValueWidthMax), "\": ");
  }
  absl::StrAppend(&text, EscapeControls(problem.description));
  return text;
}

}  // namespace quartermaster::qmctl
