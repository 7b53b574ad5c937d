#pragma once

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "qmctl/io/csv.h"
#include "qmctl/io/problem.h"

namespace quartermaster::qmctl {

// The columns of one kind of file.
struct Columns {
  std::vector<std::string> required;
  std::vector<std::string> optional;
};

// Checks that the file has every required column and none that nobody knows: a column with a typing
// mistake would otherwise be left out in silence. Returns whether it may be read.
bool CheckColumns(const CsvFile& file, const Columns& columns, std::vector<Problem>& problems);

// Reads the fields of one row. Each function returns the value, or adds a problem and returns
// something empty that must not be used. Blanks around a value are dropped. Not thread-safe; lives
// no longer than what it was made from.
class RowReader {
 public:
  RowReader(const CsvFile& file, const CsvRow& row, std::vector<Problem>& problems)
      : file_(file), row_(row), problems_(problems) {}

  // The field as it stands; empty when the file lacks the column.
  absl::string_view Field(absl::string_view column) const;

  std::string Text(absl::string_view column, int64_t length_max);
  std::string RequiredText(absl::string_view column, int64_t length_max);
  // The id of a resource, `[a-z]([a-z0-9-]{0,61}[a-z0-9])?`.
  std::string Id(absl::string_view column);
  // A name such as `units/east-bureau`, or the id alone. Empty when the field is.
  std::string OptionalName(absl::string_view column, absl::string_view collection);
  std::string Name(absl::string_view column, absl::string_view collection);
  // `units/{unit}/locations/{location}` or `{unit}/{location}`. Empty when the field is.
  std::string OptionalPlace(absl::string_view column);

  struct Bounds {
    int64_t min = 0;
    int64_t max = std::numeric_limits<int64_t>::max();
  };
  // A whole number in digits alone; `if_empty` when the field is empty.
  int64_t Integer(absl::string_view column, const Bounds& bounds, int64_t if_empty);
  int64_t RequiredInteger(absl::string_view column, const Bounds& bounds);
  // yes or no; no when the field is empty.
  bool Flag(absl::string_view column);
  // The number of one of the enum's values but its first; 0 when the field is empty.
  int Enum(absl::string_view column, const google::protobuf::EnumDescriptor& type);
  int RequiredEnum(absl::string_view column, const google::protobuf::EnumDescriptor& type);

  void Tell(absl::string_view column, absl::string_view description);
  int64_t line() const { return row_.line; }

 private:
  const CsvFile& file_;
  const CsvRow& row_;
  std::vector<Problem>& problems_;
};

}  // namespace quartermaster::qmctl
