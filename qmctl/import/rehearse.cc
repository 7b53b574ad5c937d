#include <algorithm>

#include "absl/strings/str_cat.h"
#include "qmctl/import/run.h"
#include "qmctl/import/transfer_matches.h"

namespace quartermaster::qmctl {

ImportReport RehearseImport(const Plan& plan, const Books& books) {
  ImportReport report;
  const auto add = [&report](const char* stage, size_t count, size_t there_already_count) {
    if (count == 0) return;
    report.stages.push_back({.stage = stage,
                             .created_count = count - there_already_count,
                             .there_already_count = there_already_count});
  };
  const auto count_in = [](const auto& planned, const auto& books_of, const auto& name_of) {
    return static_cast<size_t>(std::ranges::count_if(
        planned, [&](const auto& each) { return books_of.contains(name_of(each.request)); }));
  };
  add("units", plan.units.size(), count_in(plan.units, books.units, [](const auto& request) {
        return absl::StrCat("units/", request.unit_id());
      }));
  add("locations", plan.locations.size(),
      count_in(plan.locations, books.locations, [](const auto& request) {
        return absl::StrCat(request.parent(), "/locations/", request.location_id());
      }));
  add("items", plan.items.size(), count_in(plan.items, books.items, [](const auto& request) {
        return absl::StrCat("items/", request.item_id());
      }));
  add("lots", plan.lots.size(), count_in(plan.lots, books.lots, [](const auto& request) {
        return absl::StrCat(request.parent(), "/lots/", request.lot_id());
      }));
  add("movements", plan.movements.size(), 0);
  const TransferMatches matches = MatchTransfers(plan, books);
  add("transfers", plan.transfers.size(),
      matches.size() - static_cast<size_t>(std::ranges::count(matches, nullptr)));
  return report;
}

}  // namespace quartermaster::qmctl
