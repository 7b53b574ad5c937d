#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/mysql/value.h"

namespace quartermaster::mysql {

// Renders `value` as an SQL literal for a session in utf8mb4 without NO_BACKSLASH_ESCAPES.
absl::StatusOr<std::string> RenderLiteral(const Value& value);

// Puts literals in the place of the question marks that stand outside quotes and comments.
// INTERNAL if their number differs from that of the values.
absl::StatusOr<std::string> RenderStatement(const Statement& statement);

// Tells whether `text` is well-formed UTF-8.
bool IsUtf8(absl::string_view text);

// Walks over SQL text and tells code from quotes and comments.
class SqlScanner {
 public:
  enum class Part { kCode, kQuote, kComment };

  explicit SqlScanner(absl::string_view sql) : sql_(sql) {}

  // Moves over the next byte of code, or the whole next quote or comment. False at the end.
  bool Next();
  Part part() const { return part_; }
  // What `Next` moved over.
  absl::string_view text() const { return text_; }
  // True if the text ended inside a quote or a comment.
  bool is_cut_off() const { return is_cut_off_; }

 private:
  size_t QuoteEnd(char quote);
  size_t CommentEnd(absl::string_view end);

  absl::string_view sql_;
  size_t at_ = 0;
  Part part_ = Part::kCode;
  absl::string_view text_;
  bool is_cut_off_ = false;
};

}  // namespace quartermaster::mysql
