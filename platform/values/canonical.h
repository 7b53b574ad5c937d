#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/base/sha256.h"
#include "platform/base/uuid.h"

// One canonical byte form for values: what is hashed to compare two requests, what a record's
// hashes cover, and what a document's versions are kept as.
//
// A struct takes part by naming its fields, once, beside its definition:
//
//   struct Title { std::string zh; std::string en; };
//   template <typename V> void VisitFields(V& visit, Title& title) { visit(title.zh, title.en); }
//
// Integers are eight bytes, big-endian; strings and lists carry their length; times are
// microseconds since 1970; a struct is its fields in order. Two values are equal if and only if
// their bytes are.
//
// A form grows at the end of its outermost struct, by `VisitGrown`:
//
//   template <typename V> void VisitFields(V& visit, Title& title) {
//     visit(title.zh, title.en);
//     canonical::VisitGrown(visit, title.abbreviation);
//   }
//
// What does not use the new fields keeps the bytes it had: a request that was made before they came
// is known again after, older programs read it, and what was written before reads as the default.
// Only what uses them cannot be read by a program that does not know them. Any other change, also
// within a list, is a new form with a new name.
namespace quartermaster::canonical {

// Visits fields that came after the form was first used, oldest first. The last ones that have
// their default are left out. Call it once, last, in what `Encode` is given.
template <typename V, typename... Ts>
void VisitGrown(V& visit, Ts&... fields) {
  visit.Grown(fields...);
}

// Writes values. Use `Encode`.
class Writer {
 public:
  template <typename... Ts>
  void operator()(const Ts&... values) {
    (Write(values), ...);
  }
  template <typename... Ts>
  void Grown(const Ts&... values) {
    size_t count = 0;
    size_t used_count = 0;
    ((++count, used_count = values == Ts() ? used_count : count), ...);
    count = 0;
    ((count++ < used_count ? Write(values) : void()), ...);
  }
  std::string Take() { return std::move(bytes_); }

 private:
  template <typename T>
  void Write(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      WriteInteger(static_cast<int64_t>(value));
    } else if constexpr (std::is_integral_v<T>) {
      WriteInteger(static_cast<int64_t>(value));
    } else {
      // VisitFields takes a reference that Reader can assign to; Writer never does.
      VisitFields(*this, const_cast<T&>(value));
    }
  }
  void Write(const std::string& value) {
    WriteInteger(static_cast<int64_t>(value.size()));
    bytes_.append(value);
  }
  void Write(absl::Time value) { WriteInteger(absl::ToUnixMicros(value)); }
  void Write(const base::Uuid& value) { bytes_.append(value.ToBytes()); }
  template <typename T>
  void Write(const std::optional<T>& value) {
    WriteInteger(value.has_value() ? 1 : 0);
    if (value.has_value()) Write(*value);
  }
  template <typename T>
  void Write(const std::vector<T>& values) {
    WriteInteger(static_cast<int64_t>(values.size()));
    for (const T& value : values) Write(value);
  }
  void WriteInteger(int64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) {
      bytes_.push_back(static_cast<char>(static_cast<uint64_t>(value) >> shift));
    }
  }

  std::string bytes_;
};

// Reads what `Writer` wrote. Use `Decode`.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : rest_(bytes) {}

  template <typename... Ts>
  void operator()(Ts&... values) {
    (Read(values), ...);
  }
  template <typename... Ts>
  void Grown(Ts&... values) {
    (Read(values), ...);
  }
  // False once anything did not fit the bytes.
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  template <typename T>
  void Read(T& value) {
    // A field that was added after these bytes were written keeps its default.
    if (rest_.empty()) return;
    if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
      value = static_cast<T>(ReadInteger());
    } else {
      VisitFields(*this, value);
    }
  }
  void Read(std::string& value) {
    if (rest_.empty()) return;
    const absl::string_view bytes = Take(ReadInteger());
    value.assign(bytes.data(), bytes.size());
  }
  void Read(absl::Time& value) {
    if (rest_.empty()) return;
    value = absl::FromUnixMicros(ReadInteger());
  }
  void Read(base::Uuid& value) {
    if (rest_.empty()) return;
    value = base::Uuid::FromBytes(Take(16)).value_or(base::Uuid{});
  }
  template <typename T>
  void Read(std::optional<T>& value) {
    value.reset();
    if (rest_.empty() || ReadInteger() == 0) return;
    Read(value.emplace());
  }
  template <typename T>
  void Read(std::vector<T>& values) {
    values.clear();
    if (rest_.empty()) return;
    for (int64_t count = ReadInteger(); count > 0 && ok_; --count) {
      if (rest_.empty()) {
        ok_ = false;
        return;
      }
      Read(values.emplace_back());
    }
  }
  int64_t ReadInteger() {
    uint64_t value = 0;
    for (const char byte : Take(8)) value = value << 8 | static_cast<uint8_t>(byte);
    return static_cast<int64_t>(value);
  }
  absl::string_view Take(int64_t count) {
    if (count < 0 || static_cast<size_t>(count) > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const absl::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  absl::string_view rest_;
  bool ok_ = true;
};

// Renders `value`, after the name and version of its form, for instance `unit.1`.
template <typename T>
std::string Encode(absl::string_view form, const T& value) {
  Writer writer;
  writer(std::string(form), value);
  return writer.Take();
}

// Reads a value that was encoded as `form`. INTERNAL if the bytes are not that: they come from our
// own tables.
template <typename T>
absl::StatusOr<T> Decode(absl::string_view form, absl::string_view bytes) {
  Reader reader(bytes);
  std::string found;
  T value = {};
  reader(found, value);
  if (!reader.ok() || !reader.at_end() || found != form) {
    return absl::InternalError("stored bytes are not a value of form " + std::string(form));
  }
  return value;
}

// Hashes the canonical form of `value`.
template <typename T>
base::Sha256Digest Hash(absl::string_view form, const T& value) {
  return base::Sha256(Encode(form, value));
}

}  // namespace quartermaster::canonical
