#include "inventory-svc/domain/lot_suggestion.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

namespace quartermaster::inventory {
namespace {

using Why = PassedOverLot::Reason;

// The key is total, so that the order never depends on how rows were found.
bool ComesBefore(const LotAmount& a, const LotAmount& b) {
  const auto key = [](const LotAmount& amount) {
    const Lot& lot = amount.lot;
    return std::tuple(lot.expiry_date.empty(), lot.expiry_date, lot.create_time, lot.name,
                      amount.state);
  };
  return key(a) < key(b);
}

// Why goods cannot be picked, whatever is wanted.
std::optional<Why> WhyNot(const LotAmount& amount, const std::string& good_until) {
  if (amount.state == State::kQuarantine) return Why::kQuarantine;
  if (amount.state == State::kReserved) return Why::kReserved;
  if (!amount.lot.expiry_date.empty() && amount.lot.expiry_date < good_until) {
    return Why::kExpired;
  }
  return std::nullopt;
}

}  // namespace

LotSuggestion SuggestLots(std::vector<LotAmount> amounts, int64_t wanted,
                          const std::string& good_until) {
  std::ranges::sort(amounts, ComesBefore);
  LotSuggestion suggestion{.missing = wanted};
  for (LotAmount& amount : amounts) {
    if (amount.state == State::kInTransit || amount.state == State::kInUse) continue;
    std::optional<Why> why_not = WhyNot(amount, good_until);
    if (!why_not.has_value() && suggestion.missing == 0) why_not = Why::kNotNeeded;
    if (why_not.has_value()) {
      suggestion.passed_over.push_back(
          {.lot = std::move(amount.lot), .quantity = amount.quantity, .reason = *why_not});
      continue;
    }
    const int64_t taken = std::min(amount.quantity, suggestion.missing);
    suggestion.missing -= taken;
    suggestion.picks.push_back({.lot = std::move(amount.lot), .quantity = taken});
  }
  return suggestion;
}

}  // namespace quartermaster::inventory
