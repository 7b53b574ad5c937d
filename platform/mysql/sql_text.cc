#include "platform/mysql/sql_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/base/sha256.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"

namespace quartermaster::mysql {
namespace {

// Backslash escapes of the characters that end or change a quoted literal.
std::string Quote(absl::string_view text) {
  std::string quoted = "'";
  quoted.reserve(text.size() + 2);
  for (const char c : text) {
    switch (c) {
      case '\0':
        quoted += "\\0";
        break;
      case '\'':
        quoted += "\\'";
        break;
      case '\\':
        quoted += "\\\\";
        break;
      default:
        quoted += c;
    }
  }
  quoted += '\'';
  return quoted;
}

// The length of the well-formed UTF-8 sequence that `text` begins with; 0 if there is none.
size_t Utf8Length(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if ((lead & 0xf0) == 0xe0) {
    length = 3;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  }
  if (length == 0 || text.size() < length) return 0;
  if (byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

absl::StatusOr<std::string> RenderLiteral(const Value& value) {
  if (std::holds_alternative<Null>(value)) return std::string("NULL");
  if (const auto* number = std::get_if<int64_t>(&value)) return absl::StrCat(*number);
  if (const auto* time = std::get_if<absl::Time>(&value)) {
    QM_ASSIGN_OR_RETURN(const std::string text, FormatDateTime(*time));
    return absl::StrCat("'", text, "'");
  }
  const std::string& text = std::get<std::string>(value);
  // A quoted literal has to be text; bytes that are none travel as a hexadecimal one.
  if (!IsUtf8(text)) return absl::StrCat("x'", base::ToHex(text), "'");
  return Quote(text);
}

absl::StatusOr<std::string> RenderStatement(const Statement& statement) {
  if (statement.params.empty()) return statement.sql;
  std::string rendered;
  rendered.reserve(statement.sql.size() + 24 * statement.params.size());
  size_t used = 0;
  SqlScanner scanner(statement.sql);
  while (scanner.Next()) {
    if (scanner.part() != SqlScanner::Part::kCode || scanner.text() != "?") {
      absl::StrAppend(&rendered, scanner.text());
      continue;
    }
    if (used == statement.params.size()) return status::Internal("more question marks than values");
    QM_ASSIGN_OR_RETURN(const std::string literal, RenderLiteral(statement.params[used++]));
    rendered += literal;
  }
  if (used != statement.params.size()) return status::Internal("more values than question marks");
  return rendered;
}

bool SqlScanner::Next() {
  const absl::string_view rest = sql_.substr(at_);
  if (rest.empty()) return false;
  size_t length = 1;
  part_ = Part::kCode;
  const char c = rest[0];
  const bool is_dash_comment =
      absl::StartsWith(rest, "--") && (rest.size() == 2 || absl::ascii_isspace(rest[2]));
  if (c == '\'' || c == '"' || c == '`') {
    part_ = Part::kQuote;
    length = QuoteEnd(c);
  } else if (c == '#' || is_dash_comment) {
    part_ = Part::kComment;
    const size_t end = rest.find('\n');
    length = end == absl::string_view::npos ? rest.size() : end + 1;
  } else if (absl::StartsWith(rest, "/*")) {
    part_ = Part::kComment;
    length = CommentEnd("*/");
  } else if (c != '?' && c != ';') {
    const size_t end = rest.find_first_of("'\"`#-/?;", 1);
    length = end == absl::string_view::npos ? rest.size() : end;
  }
  text_ = rest.substr(0, length);
  at_ += length;
  return true;
}

size_t SqlScanner::QuoteEnd(char quote) {
  const absl::string_view rest = sql_.substr(at_);
  for (size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '\\' && quote != '`') {
      ++i;
    } else if (rest[i] == quote) {
      return i + 1;
    }
  }
  is_cut_off_ = true;
  return rest.size();
}

size_t SqlScanner::CommentEnd(absl::string_view end) {
  const absl::string_view rest = sql_.substr(at_);
  const size_t found = rest.find(end, 2);
  if (found == absl::string_view::npos) {
    is_cut_off_ = true;
    return rest.size();
  }
  return found + end.size();
}

}  // namespace quartermaster::mysql
