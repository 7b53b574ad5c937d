#include "qmctl/import/books.h"

#include <functional>
#include <utility>

#include "absl/strings/string_view.h"
#include "platform/base/status_macros.h"

namespace quartermaster::qmctl {
namespace {

constexpr int kPageSize = 1000;

// Reads all pages of a list.
template <typename Request, typename Response>
absl::Status ReadPages(const Client& client, absl::string_view method, Request request,
                       const std::function<void(Response&)>& take) {
  request.set_page_size(kPageSize);
  do {
    Response page;
    QM_RETURN_IF_ERROR(client.Call(method, request, page));
    request.set_page_token(page.next_page_token());
    take(page);
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

absl::Status ReadUnits(const Client& client, Books& books) {
  return ReadPages<pb::ListUnitsRequest, pb::ListUnitsResponse>(
      client, "quartermaster.inventory.v1.Units/ListUnits", {}, [&](pb::ListUnitsResponse& page) {
        for (pb::Unit& unit : *page.mutable_units()) {
          const std::string name = unit.name();
          books.units.emplace(name, std::move(unit));
        }
      });
}

absl::Status ReadLocations(const Client& client, Books& books) {
  for (const auto& [name, unit] : books.units) {
    // A list covers what is beneath, so only the topmost are asked.
    if (books.units.contains(unit.parent())) continue;
    pb::ListLocationsRequest request;
    request.set_parent(name);
    QM_RETURN_IF_ERROR((ReadPages<pb::ListLocationsRequest, pb::ListLocationsResponse>(
        client, "quartermaster.inventory.v1.Units/ListLocations", request,
        [&](pb::ListLocationsResponse& page) {
          for (pb::Location& location : *page.mutable_locations()) {
            const std::string location_name = location.name();
            books.locations.emplace(location_name, std::move(location));
          }
        })));
  }
  return absl::OkStatus();
}

absl::Status ReadItems(const Client& client, Books& books) {
  return ReadPages<pb::ListItemsRequest, pb::ListItemsResponse>(
      client, "quartermaster.inventory.v1.Catalog/ListItems", {}, [&](pb::ListItemsResponse& page) {
        for (pb::Item& item : *page.mutable_items()) {
          const std::string name = item.name();
          books.items.emplace(name, std::move(item));
        }
      });
}

// Returns the item of a lot's name.
std::string ItemOf(absl::string_view lot) { return std::string(lot.substr(0, lot.find("/lots/"))); }

absl::Status ReadLots(const Client& client, const Plan& plan, Books& books) {
  absl::flat_hash_set<std::string> items;
  for (const auto& lot : plan.lots) items.insert(lot.request.parent());
  for (const PlannedMovement& movement : plan.movements) {
    for (const pb::MovementLine& line : movement.request.lines()) items.insert(ItemOf(line.lot()));
  }
  for (const PlannedTransfer& transfer : plan.transfers) {
    for (const pb::TransferLine& line : transfer.request.lines()) items.insert(ItemOf(line.lot()));
  }
  for (const std::string& item : items) {
    if (!books.items.contains(item)) continue;
    pb::ListLotsRequest request;
    request.set_parent(item);
    QM_RETURN_IF_ERROR((ReadPages<pb::ListLotsRequest, pb::ListLotsResponse>(
        client, "quartermaster.inventory.v1.Ledger/ListLots", request,
        [&](pb::ListLotsResponse& page) {
          for (pb::Lot& lot : *page.mutable_lots()) {
            const std::string name = lot.name();
            books.lots.emplace(name, std::move(lot));
          }
        })));
  }
  return absl::OkStatus();
}

absl::Status ReadTransfers(const Client& client, const Plan& plan, Books& books) {
  absl::flat_hash_set<std::string> units;
  for (const PlannedTransfer& transfer : plan.transfers) {
    const absl::string_view source = transfer.request.source();
    units.insert(std::string(source.substr(0, source.find("/locations/"))));
  }
  absl::flat_hash_set<std::string> names;
  for (const std::string& unit : units) {
    if (!books.units.contains(unit)) continue;
    pb::ListTransfersRequest request;
    request.set_unit(unit);
    QM_RETURN_IF_ERROR((ReadPages<pb::ListTransfersRequest, pb::ListTransfersResponse>(
        client, "quartermaster.inventory.v1.Transfers/ListTransfers", request,
        [&](pb::ListTransfersResponse& page) {
          for (pb::Transfer& transfer : *page.mutable_transfers()) {
            if (names.insert(transfer.name()).second) {
              books.transfers.push_back(std::move(transfer));
            }
          }
        })));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Books> ReadBooks(const Client& client, const Plan& plan) {
  const bool needs_places =
      !plan.locations.empty() || !plan.movements.empty() || !plan.transfers.empty();
  const bool needs_lots = !plan.lots.empty() || !plan.movements.empty() || !plan.transfers.empty();
  Books books;
  if (!plan.units.empty() || needs_places || needs_lots) {
    QM_RETURN_IF_ERROR(ReadUnits(client, books));
  }
  if (needs_places) QM_RETURN_IF_ERROR(ReadLocations(client, books));
  if (!plan.items.empty() || needs_lots) QM_RETURN_IF_ERROR(ReadItems(client, books));
  if (needs_lots) QM_RETURN_IF_ERROR(ReadLots(client, plan, books));
  if (!plan.transfers.empty()) QM_RETURN_IF_ERROR(ReadTransfers(client, plan, books));
  return books;
}

}  // namespace quartermaster::qmctl
