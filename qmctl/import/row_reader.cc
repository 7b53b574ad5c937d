#include "qmctl/import/row_reader.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/base/utf8.h"
#include "qmctl/import/names.h"

namespace quartermaster::qmctl {
namespace {

bool Contains(const std::vector<std::string>& list, absl::string_view wanted) {
  return std::ranges::find(list, wanted) != list.end();
}

constexpr absl::string_view kIdRule =
    "an id has up to 63 small letters, digits and hyphens, begins with a letter and does not end "
    "with a hyphen";

}  // namespace

bool CheckColumns(const CsvFile& file, const Columns& columns, std::vector<Problem>& problems) {
  const size_t problem_count = problems.size();
  for (const std::string& column : columns.required) {
    if (!Contains(file.columns, column)) {
      problems.push_back({.file = file.name,
                          .line = 1,
                          .description = absl::StrCat("the column ", column, " is missing")});
    }
  }
  for (const std::string& column : file.columns) {
    if (Contains(columns.required, column) || Contains(columns.optional, column)) continue;
    problems.push_back(
        {.file = file.name,
         .line = 1,
         .column = column,
         .value = column,
         .description = absl::StrCat("there is no such column; required are ",
                                     absl::StrJoin(columns.required, ", "), "; optional are ",
                                     absl::StrJoin(columns.optional, ", "))});
  }
  return problems.size() == problem_count;
}

absl::string_view RowReader::Field(absl::string_view column) const {
  const auto found = std::ranges::find(file_.columns, column);
  if (found == file_.columns.end()) return "";
  return absl::StripAsciiWhitespace(row_.fields[found - file_.columns.begin()]);
}

std::string RowReader::Text(absl::string_view column, int64_t length_max) {
  const absl::string_view field = Field(column);
  if (base::CountCodePoints(field).value_or(0) > length_max) {
    Tell(column, absl::StrCat("longer than ", length_max, " characters"));
    return "";
  }
  if (std::ranges::any_of(field, [](char c) { return absl::ascii_iscntrl(c); })) {
    Tell(column, "has line breaks, tabs or other control characters");
    return "";
  }
  return std::string(field);
}

std::string RowReader::RequiredText(absl::string_view column, int64_t length_max) {
  if (Field(column).empty()) Tell(column, "is required");
  return Text(column, length_max);
}

std::string RowReader::Id(absl::string_view column) {
  const absl::string_view field = Field(column);
  if (IsId(field)) return std::string(field);
  Tell(column, field.empty() ? absl::string_view("is required") : kIdRule);
  return "";
}

std::string RowReader::OptionalName(absl::string_view column, absl::string_view collection) {
  return Field(column).empty() ? "" : Name(column, collection);
}

std::string RowReader::Name(absl::string_view column, absl::string_view collection) {
  const absl::string_view field = Field(column);
  if (std::optional<std::string> name = ParseName(collection, field); name.has_value()) {
    return *std::move(name);
  }
  if (field.empty()) {
    Tell(column, "is required");
  } else {
    Tell(column, absl::StrCat("write ", collection, "/… or the id alone; ", kIdRule));
  }
  return "";
}

std::string RowReader::OptionalPlace(absl::string_view column) {
  const absl::string_view field = Field(column);
  if (field.empty()) return "";
  if (std::optional<std::string> place = ParsePlace(field); place.has_value()) {
    return *std::move(place);
  }
  Tell(column, "a place is written unit/location, for instance east-bureau/store");
  return "";
}

int64_t RowReader::Integer(absl::string_view column, const Bounds& bounds, int64_t if_empty) {
  const absl::string_view field = Field(column);
  if (field.empty()) return if_empty;
  int64_t value = 0;
  const bool is_digits = std::ranges::all_of(field, absl::ascii_isdigit);
  if (!is_digits || !absl::SimpleAtoi(field, &value)) {
    Tell(column, is_digits ? "is too large"
                           : "is not a whole number; write digits alone, for instance 12500");
    return if_empty;
  }
  if (value < bounds.min || value > bounds.max) {
    Tell(column, value < bounds.min ? absl::StrCat("is less than ", bounds.min)
                                    : absl::StrCat("is more than ", bounds.max));
    return if_empty;
  }
  return value;
}

int64_t RowReader::RequiredInteger(absl::string_view column, const Bounds& bounds) {
  if (Field(column).empty()) Tell(column, "is required");
  return Integer(column, bounds, bounds.min);
}

bool RowReader::Flag(absl::string_view column) {
  const absl::string_view field = Field(column);
  if (field == "yes") return true;
  if (!field.empty() && field != "no") Tell(column, "write yes or no");
  return false;
}

int RowReader::Enum(absl::string_view column, const google::protobuf::EnumDescriptor& type) {
  const absl::string_view field = Field(column);
  if (field.empty()) return 0;
  const auto* value = type.FindValueByName(std::string(field));
  if (value != nullptr && value->number() != 0) return value->number();
  std::vector<std::string> names;
  for (int i = 1; i < type.value_count(); ++i) names.push_back(type.value(i)->name());
  Tell(column, absl::StrCat("write one of ", absl::StrJoin(names, ", ")));
  return 0;
}

int RowReader::RequiredEnum(absl::string_view column,
                            const google::protobuf::EnumDescriptor& type) {
  if (!Field(column).empty()) return Enum(column, type);
  Tell(column, "is required");
  return 0;
}

void RowReader::Tell(absl::string_view column, absl::string_view description) {
  problems_.push_back({.file = file_.name,
                       .line = row_.line,
                       .column = std::string(column),
                       .value = std::string(Field(column)),
                       .description = std::string(description)});
}

}  // namespace quartermaster::qmctl
