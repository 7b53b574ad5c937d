#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace quartermaster::gateway {

// Walks through a JSON text (RFC 8259) token by token, strictly: no comments, no trailing commas,
// no lone surrogates, UTF-8 only. Every failure is INVALID_ARGUMENT, reason `MALFORMED_JSON`, and
// tells line and column. Not thread-safe. The text must outlive it.
class JsonScanner {
 public:
  // Objects and arrays deeper than `depth_max` are refused.
  JsonScanner(absl::string_view text, int depth_max) : text_(text), depth_max_(depth_max) {}

  // Returns the first character of the next token, `\0` at the end. Whitespace is skipped.
  char Peek();
  bool IsAtEnd();
  // Takes `c` if it comes next.
  bool Consume(char c);
  // Takes a string; `value` is what it says, escapes undone.
  absl::Status ReadString(std::string& value);
  // Takes a number; `literal` is how it is written and points into the text.
  absl::Status ReadNumber(absl::string_view& literal);
  // Takes `true`, `false` or `null`.
  absl::Status ReadWord(absl::string_view word);
  // Takes any value.
  absl::Status SkipValue();

  // Takes `{` or `[`; each Enter has its Leave. `Next` takes what stands between members: it
  // returns whether another one follows, having taken the comma before it, or the end otherwise.
  absl::Status Enter(char open);
  absl::Status Next(char close, bool is_first, bool& has_more);
  // Takes a member's name and the colon after it.
  absl::Status ReadKey(std::string& key);

  size_t position() const { return position_; }
  // Goes back to a position that was returned before, at the same depth.
  void Rewind(size_t position) { position_ = position; }

  absl::Status Malformed(absl::string_view why) const;

 private:
  absl::Status ReadEscape(std::string& value);
  bool ReadHex(uint32_t& unit);

  absl::string_view text_;
  size_t position_ = 0;
  int depth_ = 0;
  const int depth_max_;
};

}  // namespace quartermaster::gateway
