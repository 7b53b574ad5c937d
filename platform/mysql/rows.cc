#include "platform/mysql/rows.h"

#include <limits>

#include "absl/strings/numbers.h"
#include "platform/base/check.h"
#include "platform/mysql/value.h"

namespace quartermaster::mysql {

const Cell& Row::At(size_t column) const {
  QM_CHECK(column < cells_->size());
  return (*cells_)[column];
}

bool Row::IsNull(size_t column) const { return std::holds_alternative<std::monostate>(At(column)); }

int64_t Row::Int64(size_t column) const {
  const Cell& cell = At(column);
  if (const auto* number = std::get_if<int64_t>(&cell)) return *number;
  int64_t number = 0;
  if (const auto* large = std::get_if<uint64_t>(&cell)) {
    QM_CHECK(*large <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
    return static_cast<int64_t>(*large);
  }
  QM_CHECK(absl::SimpleAtoi(String(column), &number));
  return number;
}

uint64_t Row::Uint64(size_t column) const {
  const Cell& cell = At(column);
  if (const auto* number = std::get_if<uint64_t>(&cell)) return *number;
  const auto* small = std::get_if<int64_t>(&cell);
  QM_CHECK(small != nullptr && *small >= 0);
  return static_cast<uint64_t>(*small);
}

const std::string& Row::String(size_t column) const {
  const auto* text = std::get_if<std::string>(&At(column));
  QM_CHECK(text != nullptr);
  return *text;
}

absl::Time Row::Time(size_t column) const {
  const absl::StatusOr<absl::Time> time = ParseDateTime(String(column));
  QM_CHECK(time.ok());
  return *time;
}

Row Rows::operator[](size_t index) const {
  QM_CHECK(index < rows_.size());
  return Row(rows_[index]);
}

}  // namespace quartermaster::mysql
