#pragma once

#include <cstdint>

namespace quartermaster::inventory {

// Row numbers of things that have names outside. Each is its own type, so that none is taken for
// another.
enum class UnitId : uint16_t {};
enum class LocationId : uint32_t {};
enum class ItemId : uint32_t {};
enum class LotId : uint32_t {};
enum class BalanceId : uint32_t {};

// Returns the number, for a statement's parameter.
template <typename Id>
requires(sizeof(Id) <= sizeof(uint32_t)) constexpr int64_t ToNumber(Id id) {
  return static_cast<int64_t>(id);
}

}  // namespace quartermaster::inventory
