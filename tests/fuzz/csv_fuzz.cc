// CSV files that people import.
//
// A file that is read without a problem can be written and read back, field for field; what a
// spreadsheet would run as a formula comes back with the apostrophe that disarms it.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "qmctl/io/csv.h"
#include "tests/fuzz/fuzz.h"

namespace quartermaster::testing {

void TryInput(absl::string_view input) {
  std::vector<qmctl::Problem> problems;
  const qmctl::CsvFile file = qmctl::ReadCsv("fuzz.csv", input, problems);
  for (const qmctl::CsvRow& row : file.rows) {
    QM_CHECK(row.fields.size() == file.columns.size() && row.line > 0);
  }
  if (!problems.empty()) return;
  // A row of one empty field is written as an empty line, which is skipped.
  if (file.columns.size() < 2) return;
  // Written under names of our own, as every table that qmctl writes: a file's own names might no
  // longer be told apart once they are disarmed.
  std::vector<std::string> names;
  for (size_t i = 0; i < file.columns.size(); ++i) names.push_back(absl::StrCat("column", i));
  std::string text = qmctl::RenderCsvRow(names);
  for (const qmctl::CsvRow& row : file.rows) text += qmctl::RenderCsvRow(row.fields);
  const qmctl::CsvFile again = qmctl::ReadCsv("fuzz.csv", text, problems);
  const auto same = [](const std::string& field, const std::string& read_back) {
    return read_back == field || read_back == "'" + field;
  };
  QM_CHECK(again.rows.size() == file.rows.size());
  for (size_t i = 0; i < file.rows.size(); ++i) {
    for (size_t k = 0; k < file.columns.size(); ++k) {
      QM_CHECK(same(file.rows[i].fields[k], again.rows[i].fields[k]));
    }
  }
}

}  // namespace quartermaster::testing
