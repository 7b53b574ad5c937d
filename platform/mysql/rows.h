#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace quartermaster::mysql {

// One cell: NULL, a number of an integer column, or the bytes of any other column.
using Cell = std::variant<std::monostate, int64_t, uint64_t, std::string>;

// One row of a result, read by column index from 0. Refers into its `Rows`, which must outlive it.
//
// The getters ask for what the statement is known to give: the schema is ours, and a service does
// not serve before it is there (`CheckSchema`). Asking for a column that is not there, for a value
// of NULL or for another type is a broken promise of the calling code, and ends the process.
// Thread-compatible.
class Row {
 public:
  explicit Row(const std::vector<Cell>& cells) : cells_(&cells) {}

  size_t size() const { return cells_->size(); }
  bool IsNull(size_t column) const;
  // Returns a whole number: an integer column, or a DECIMAL without fraction that fits (what
  // `SUM` of a BIGINT gives; one that may not fit is to be read with `String`).
  int64_t Int64(size_t column) const;
  // Returns a BIGINT UNSIGNED.
  uint64_t Uint64(size_t column) const;
  // Returns text, bytes, or the decimal digits of a DECIMAL.
  const std::string& String(size_t column) const;
  // Returns a DATETIME, which is UTC as everything is.
  absl::Time Time(size_t column) const;

 private:
  const Cell& At(size_t column) const;

  const std::vector<Cell>* cells_;
};

// The whole result of a statement, in memory: nothing of it is left on the connection.
// Thread-compatible.
class Rows {
 public:
  class Iterator {
   public:
    explicit Iterator(std::vector<std::vector<Cell>>::const_iterator at) : at_(at) {}
    Row operator*() const { return Row(*at_); }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }

   private:
    std::vector<std::vector<Cell>>::const_iterator at_;
  };

  Rows() = default;
  explicit Rows(std::vector<std::vector<Cell>> rows) : rows_(std::move(rows)) {}

  bool empty() const { return rows_.empty(); }
  size_t size() const { return rows_.size(); }
  // `index` must be below `size()`.
  Row operator[](size_t index) const;
  Iterator begin() const { return Iterator(rows_.begin()); }
  Iterator end() const { return Iterator(rows_.end()); }

 private:
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace quartermaster::mysql
