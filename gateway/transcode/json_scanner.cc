#include "gateway/transcode/json_scanner.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/transcode/field_values.h"
#include "gateway/transcode/utf8.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// What may stand in a number: enough to find its end, its grammar is looked at afterwards.
bool IsNumberPart(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

void AppendUtf8(uint32_t code_point, std::string& text) {
  const auto push = [&](uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    push(code_point);
    return;
  }
  if (code_point < 0x800) {
    push(0xC0 | code_point >> 6);
  } else if (code_point < 0x10000) {
    push(0xE0 | code_point >> 12);
    push(0x80 | (code_point >> 6 & 0x3F));
  } else {
    push(0xF0 | code_point >> 18);
    push(0x80 | (code_point >> 12 & 0x3F));
    push(0x80 | (code_point >> 6 & 0x3F));
  }
  push(0x80 | (code_point & 0x3F));
}

}  // namespace

absl::Status JsonScanner::Malformed(absl::string_view why) const {
  const absl::string_view before = text_.substr(0, position_);
  const auto line = std::ranges::count(before, '\n') + 1;
  const size_t line_start =
      before.rfind('\n') == absl::string_view::npos ? 0 : before.rfind('\n') + 1;
  const size_t column = position_ - line_start + 1;
  return status::MakeError(
      absl::StatusCode::kInvalidArgument,
      absl::StrCat("the body is not JSON: line ", line, ", column ", column, ": ", why),
      {.reason = "MALFORMED_JSON",
       .metadata = {{"line", absl::StrCat(line)}, {"column", absl::StrCat(column)}}});
}

char JsonScanner::Peek() {
  while (position_ < text_.size() && IsSpace(text_[position_])) ++position_;
  return position_ < text_.size() ? text_[position_] : '\0';
}

bool JsonScanner::IsAtEnd() { return Peek() == '\0' && position_ == text_.size(); }

bool JsonScanner::Consume(char c) {
  if (Peek() != c || position_ >= text_.size()) return false;
  ++position_;
  return true;
}

absl::Status JsonScanner::ReadString(std::string& value) {
  if (!Consume('"')) return Malformed("a string must come here");
  value.clear();
  while (true) {
    const size_t begin = position_;
    while (position_ < text_.size() && text_[position_] != '"' && text_[position_] != '\\' &&
           static_cast<unsigned char>(text_[position_]) >= 0x20) {
      ++position_;
    }
    const absl::string_view plain = text_.substr(begin, position_ - begin);
    if (!IsUtf8(plain)) return Malformed("the string is not UTF-8");
    absl::StrAppend(&value, plain);
    if (position_ >= text_.size()) return Malformed("the string has no end");
    if (text_[position_] == '"') {
      ++position_;
      return absl::OkStatus();
    }
    if (text_[position_] != '\\') return Malformed("a control character must be escaped");
    ++position_;
    QM_RETURN_IF_ERROR(ReadEscape(value));
  }
}

bool JsonScanner::ReadHex(uint32_t& unit) {
  if (text_.size() - position_ < 4) return false;
  unit = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = text_[position_ + static_cast<size_t>(i)];
    uint32_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<uint32_t>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<uint32_t>(c - 'A' + 10);
    } else {
      return false;
    }
    unit = unit * 16 + digit;
  }
  position_ += 4;
  return true;
}

absl::Status JsonScanner::ReadEscape(std::string& value) {
  constexpr absl::string_view kNames = "\"\\/bfnrt";
  constexpr absl::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const char c = position_ < text_.size() ? text_[position_] : '\0';
  if (const size_t at = kNames.find(c); at != absl::string_view::npos) {
    ++position_;
    value.push_back(kMeanings[at]);
    return absl::OkStatus();
  }
  if (c != 'u') return Malformed("unknown escape");
  ++position_;
  uint32_t unit = 0;
  if (!ReadHex(unit)) return Malformed("\\u needs four hexadecimal digits");
  if (unit >= 0xDC00 && unit <= 0xDFFF) return Malformed("half of a surrogate pair");
  if (unit >= 0xD800 && unit <= 0xDBFF) {
    uint32_t low = 0;
    if (!absl::StartsWith(text_.substr(position_), "\\u")) {
      return Malformed("half of a surrogate pair");
    }
    position_ += 2;
    if (!ReadHex(low) || low < 0xDC00 || low > 0xDFFF) {
      return Malformed("half of a surrogate pair");
    }
    unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
  }
  AppendUtf8(unit, value);
  return absl::OkStatus();
}

absl::Status JsonScanner::ReadNumber(absl::string_view& literal) {
  Peek();
  size_t end = position_;
  while (end < text_.size() && IsNumberPart(text_[end])) ++end;
  literal = text_.substr(position_, end - position_);
  if (!IsJsonNumber(literal)) return Malformed("this is not a value");
  position_ = end;
  return absl::OkStatus();
}

absl::Status JsonScanner::ReadWord(absl::string_view word) {
  Peek();
  if (!absl::StartsWith(text_.substr(position_), word)) return Malformed("this is not a value");
  position_ += word.size();
  return absl::OkStatus();
}

absl::Status JsonScanner::Enter(char open) {
  if (!Consume(open)) return Malformed(absl::StrCat("a ", std::string(1, open), " must come here"));
  if (++depth_ > depth_max_) {
    return Malformed(absl::StrCat("more than ", depth_max_, " levels of objects and arrays"));
  }
  return absl::OkStatus();
}

absl::Status JsonScanner::Next(char close, bool is_first, bool& has_more) {
  has_more = true;
  if (Consume(close)) {
    --depth_;
    has_more = false;
  } else if (!is_first && !Consume(',')) {
    return Malformed(absl::StrCat("a comma or a ", std::string(1, close), " must come here"));
  }
  return absl::OkStatus();
}

absl::Status JsonScanner::ReadKey(std::string& key) {
  QM_RETURN_IF_ERROR(ReadString(key));
  if (!Consume(':')) return Malformed("a colon must come here");
  return absl::OkStatus();
}

absl::Status JsonScanner::SkipValue() {
  std::string ignored;
  absl::string_view number;
  bool has_more = true;
  switch (Peek()) {
    case '{':
      QM_RETURN_IF_ERROR(Enter('{'));
      for (bool is_first = true;; is_first = false) {
        QM_RETURN_IF_ERROR(Next('}', is_first, has_more));
        if (!has_more) return absl::OkStatus();
        QM_RETURN_IF_ERROR(ReadKey(ignored));
        QM_RETURN_IF_ERROR(SkipValue());
      }
    case '[':
      QM_RETURN_IF_ERROR(Enter('['));
      for (bool is_first = true;; is_first = false) {
        QM_RETURN_IF_ERROR(Next(']', is_first, has_more));
        if (!has_more) return absl::OkStatus();
        QM_RETURN_IF_ERROR(SkipValue());
      }
    case '"':
      return ReadString(ignored);
    case 't':
      return ReadWord("true");
    case 'f':
      return ReadWord("false");
    case 'n':
      return ReadWord("null");
    default:
      return ReadNumber(number);
  }
}

}  // namespace quartermaster::gateway
