#include "qmctl/io/table.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "qmctl/io/csv.h"
#include "qmctl/io/display.h"

namespace quartermaster::qmctl {
namespace {

constexpr absl::string_view kGap = "  ";

void AppendLine(const std::vector<std::string>& cells, const std::vector<Table::Column>& columns,
                const std::vector<int>& widths, std::string& text) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(std::max(0, widths[i] - DisplayWidth(cells[i])), ' ');
    if (i > 0) absl::StrAppend(&line, kGap);
    if (columns[i].is_number) {
      absl::StrAppend(&line, padding, cells[i]);
    } else {
      absl::StrAppend(&line, cells[i], padding);
    }
  }
  absl::StrAppend(&text, absl::StripTrailingAsciiWhitespace(line), "\n");
}

}  // namespace

std::string RenderTable(const Table& table) {
  std::vector<std::vector<std::string>> lines;
  lines.emplace_back();
  for (const Table::Column& column : table.columns) lines.back().push_back(column.title);
  lines.insert(lines.end(), table.rows.begin(), table.rows.end());

  std::vector<int> widths(table.columns.size(), 0);
  for (std::vector<std::string>& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) {
      line[i] = EscapeControls(line[i]);
      widths[i] = std::max(widths[i], DisplayWidth(line[i]));
    }
  }

  std::string text;
  for (const std::vector<std::string>& line : lines) {
    AppendLine(line, table.columns, widths, text);
  }
  return text;
}

std::string RenderTableAsCsv(const Table& table) {
  std::vector<std::string> header;
  for (const Table::Column& column : table.columns) header.push_back(column.title);
  std::string text = RenderCsvRow(header);
  for (const std::vector<std::string>& row : table.rows) absl::StrAppend(&text, RenderCsvRow(row));
  return text;
}

std::string RenderCount(int64_t count) {
  std::string digits = absl::StrCat(count);
  const std::ptrdiff_t first = count < 0 ? 1 : 0;
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > first; at -= 3) {
    digits.insert(digits.begin() + at, ',');
  }
  return digits;
}

}  // namespace quartermaster::qmctl
