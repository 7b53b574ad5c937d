#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "qmctl/io/problem.h"

namespace quartermaster::qmctl {

// One row of a CSV file.
struct CsvRow {
  // Where it begins, as an editor counts lines, from 1.
  int64_t line = 0;
  // As many as the file has columns.
  std::vector<std::string> fields;
};

// A CSV file with a header row.
struct CsvFile {
  std::string name;
  std::vector<std::string> columns;
  std::vector<CsvRow> rows;
};

// Reads RFC 4180: fields with commas, quotes or line breaks in quotes, a quote inside as two; CR LF
// or LF; a UTF-8 byte order mark, which Excel writes, is skipped, as are empty lines.
//
// Strict where a guess could move the wrong goods: a quote in the middle of a bare field, text
// after a closing quote, a quote left open, a row with too few or too many fields, a column twice,
// a NUL or bytes that are not UTF-8 are each added to `problems`. Rows that are well formed are
// returned even so, in order that a later pass can tell everything that is wrong with them.
CsvFile ReadCsv(absl::string_view file_name, absl::string_view text,
                std::vector<Problem>& problems);

// Renders one field, quoted when it must be. What a spreadsheet would run as a formula (a text
// beginning with = + - @, tab or CR that is not a plain number) is given an apostrophe in front.
std::string RenderCsvField(absl::string_view value);

// Renders fields as one row that ends in CR LF.
std::string RenderCsvRow(const std::vector<std::string>& fields);

}  // namespace quartermaster::qmctl
