#include "qmctl/io/csv.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "platform/base/utf8.h"
#include "qmctl/io/display.h"

namespace quartermaster::qmctl {
namespace {

constexpr absl::string_view kByteOrderMark = "\xef\xbb\xbf";

// Cuts a text into rows. Not thread-safe; lives for one `ReadCsv`.
class CsvScanner {
 public:
  CsvScanner(absl::string_view file_name, absl::string_view text, std::vector<Problem>& problems)
      : file_name_(file_name), rest_(text), problems_(problems) {}

  bool at_end() const { return rest_.empty(); }

  // Reads up to and with the next line end that is outside quotes.
  CsvRow ReadRow() {
    CsvRow row{.line = line_};
    is_broken_ = false;
    do {
      row.fields.push_back(ReadField());
    } while (TakeIf(','));
    TakeLineEnd();
    return row;
  }

  // Whether the row read last was malformed; its problem has been told.
  bool is_broken() const { return is_broken_; }

 private:
  std::string ReadField() { return TakeIf('"') ? ReadQuoted() : ReadBare(); }

  std::string ReadBare() {
    const size_t end = std::min(rest_.find_first_of(",\r\n"), rest_.size());
    std::string field(rest_.substr(0, end));
    rest_.remove_prefix(end);
    if (absl::StrContains(field, '"')) {
      Tell(line_, field,
           "a quote in the middle of a field; put the whole field in quotes and double the quote");
    }
    return field;
  }

  std::string ReadQuoted() {
    const int64_t opening_line = line_;
    std::string field;
    while (!rest_.empty()) {
      if (TakeIf('"')) {
        if (!TakeIf('"')) {
          CheckNothingFollows();
          return field;
        }
        field.push_back('"');
        continue;
      }
      if (rest_.front() == '\n') ++line_;
      field.push_back(rest_.front());
      rest_.remove_prefix(1);
    }
    Tell(opening_line, field, "a quote is opened here and never closed");
    return field;
  }

  void CheckNothingFollows() {
    const size_t end = std::min(rest_.find_first_of(",\r\n"), rest_.size());
    if (end == 0) return;
    Tell(line_, rest_.substr(0, end),
         "text after a closing quote; a quote inside is written twice");
    rest_.remove_prefix(end);
  }

  void TakeLineEnd() {
    const bool had_return = TakeIf('\r');
    if (TakeIf('\n')) {
      ++line_;
    } else if (had_return) {
      Tell(line_, "", "a carriage return without a line feed; save the file with CR LF or LF");
      ++line_;
    }
  }

  bool TakeIf(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void Tell(int64_t line, absl::string_view value, absl::string_view description) {
    is_broken_ = true;
    std::string told(description);
    if (!value.empty()) {
      told = absl::StrCat("near \"", CutToWidth(EscapeControls(value), 40), "\": ", description);
    }
    problems_.push_back(
        {.file = std::string(file_name_), .line = line, .description = std::move(told)});
  }

  absl::string_view file_name_;
  absl::string_view rest_;
  std::vector<Problem>& problems_;
  int64_t line_ = 1;
  bool is_broken_ = false;
};

bool IsEmptyLine(const CsvRow& row) { return row.fields.size() == 1 && row.fields[0].empty(); }

// Reads the header; empty when there is none to go by.
std::vector<std::string> ReadColumns(absl::string_view file_name, CsvScanner& scanner,
                                     std::vector<Problem>& problems) {
  while (!scanner.at_end()) {
    CsvRow header = scanner.ReadRow();
    if (scanner.is_broken()) return {};
    if (IsEmptyLine(header)) continue;
    for (std::string& column : header.fields) {
      column = std::string(absl::StripAsciiWhitespace(column));
    }
    for (size_t i = 0; i < header.fields.size(); ++i) {
      const auto end = header.fields.begin() + static_cast<std::ptrdiff_t>(i);
      if (std::find(header.fields.begin(), end, header.fields[i]) != end) {
        problems.push_back({.file = std::string(file_name),
                            .line = header.line,
                            .column = header.fields[i],
                            .value = header.fields[i],
                            .description = "this column stands in the header twice"});
        return {};
      }
    }
    return header.fields;
  }
  problems.push_back({.file = std::string(file_name),
                      .description = "the file is empty; its first line must name the columns"});
  return {};
}

// Returns the line of the first byte that is not text, 0 if there is none.
int64_t FindLineThatIsNotText(absl::string_view text) {
  int64_t number = 1;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const absl::string_view line = text.substr(0, end);
    if (!base::CountCodePoints(line).has_value() || line.find('\0') != absl::string_view::npos)
      return number;
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
  }
  return 0;
}

// Plain numbers are left alone: a balance below zero is not a formula.
bool IsPlainNumber(absl::string_view value) {
  if (!value.empty() && value.front() == '-') value.remove_prefix(1);
  return !value.empty() && std::ranges::all_of(value, absl::ascii_isdigit);
}

}  // namespace

CsvFile ReadCsv(absl::string_view file_name, absl::string_view text,
                std::vector<Problem>& problems) {
  CsvFile file{.name = std::string(file_name)};
  if (absl::StartsWith(text, kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (const int64_t line = FindLineThatIsNotText(text); line > 0) {
    problems.push_back(
        {.file = file.name,
         .line = line,
         .description = "this line is not UTF-8 text; in Excel save as \"CSV UTF-8\""});
    return file;
  }

  CsvScanner scanner(file_name, text, problems);
  file.columns = ReadColumns(file_name, scanner, problems);
  if (file.columns.empty()) return file;
  while (!scanner.at_end()) {
    CsvRow row = scanner.ReadRow();
    if (scanner.is_broken() || IsEmptyLine(row)) continue;
    if (row.fields.size() != file.columns.size()) {
      problems.push_back(
          {.file = file.name,
           .line = row.line,
           .description = absl::StrCat("the row has ", row.fields.size(), " fields, the header ",
                                       file.columns.size())});
      continue;
    }
    file.rows.push_back(std::move(row));
  }
  return file;
}

std::string RenderCsvField(absl::string_view value) {
  std::string field(value);
  constexpr absl::string_view kFormulaStarts = "=+-@\t\r";
  if (!field.empty() && absl::StrContains(kFormulaStarts, field.front()) && !IsPlainNumber(field)) {
    field.insert(field.begin(), '\'');
  }
  if (field.find_first_of("\",\r\n") == std::string::npos) return field;
  return absl::StrCat("\"", absl::StrReplaceAll(field, {{"\"", "\"\""}}), "\"");
}

std::string RenderCsvRow(const std::vector<std::string>& fields) {
  return absl::StrCat(absl::StrJoin(fields, ",",
                                    [](std::string* out, const std::string& field) {
                                      absl::StrAppend(out, RenderCsvField(field));
                                    }),
                      "\r\n");
}

}  // namespace quartermaster::qmctl
