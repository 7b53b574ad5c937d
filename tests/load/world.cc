#include "tests/load/world.h"

#include <algorithm>
#include <atomic>
#include <iostream>
#include <mutex>
#include <numeric>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/clock.h"
#include "platform/base/status_macros.h"
#include "platform/base/uuid.h"
#include "quartermaster/inventory/v1/catalog.grpc.pb.h"
#include "quartermaster/inventory/v1/ledger.grpc.pb.h"
#include "quartermaster/inventory/v1/units.grpc.pb.h"

namespace quartermaster::load {
namespace {

using inventory::v1::Catalog;
using inventory::v1::Ledger;
using inventory::v1::Units;

std::string FreshRequestId() {
  static const base::SystemClock clock;
  static base::UuidSource uuids(clock);
  return uuids.Next().ToString();
}

absl::Status ToAbsl(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

template <typename Stub, typename Request, typename Response>
absl::Status Call(Stub& stub,
                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                  const Request& request, Response& response) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  return ToAbsl((stub.*method)(&context, request, &response));
}

template <typename Stub, typename Request, typename Response>
absl::Status Call(Stub& stub,
                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                  const Request& request) {
  Response response;
  return Call(stub, method, request, response);
}

std::string UnitName(int unit) { return absl::StrCat(kRoot, "-", unit); }
std::string LocationName(int unit, int location) {
  return absl::StrCat(UnitName(unit), "/locations/room-", location);
}
std::string ItemName(int item) { return absl::StrCat("items/goods-", item); }
std::string LotName(int item, int lot) { return absl::StrCat(ItemName(item), "/lots/l", lot); }

inventory::v1::PostMovementRequest EmptyReceipt() {
  inventory::v1::PostMovementRequest request;
  request.set_reason(inventory::v1::RECEIVE);
  request.set_request_id(FreshRequestId());
  return request;
}

void AddLine(const std::string& place, const std::string& lot,
             inventory::v1::PostMovementRequest& request) {
  auto& line = *request.add_lines();
  line.set_lot(lot);
  line.mutable_source()->set_location(place);
  line.mutable_source()->set_state(inventory::v1::SUPPLIER);
  line.mutable_destination()->set_location(place);
  line.mutable_destination()->set_state(inventory::v1::AVAILABLE);
  line.mutable_quantity()->set_amount(1);
}

absl::Status CreateUnit(Units::Stub& units, const std::string& id, const std::string& parent) {
  inventory::v1::CreateUnitRequest request;
  request.set_unit_id(id);
  request.mutable_unit()->set_parent(parent);
  request.mutable_unit()->mutable_title()->set_zh("测量");
  request.mutable_unit()->set_kind(parent.empty() ? inventory::v1::CITY
                                                  : inventory::v1::SUB_BUREAU);
  request.set_request_id(FreshRequestId());
  return Call(units, &Units::Stub::CreateUnit, request);
}

absl::Status CreateUnitWithLocations(Units::Stub& units, int unit, int location_count) {
  QM_RETURN_IF_ERROR(CreateUnit(units, absl::StrCat("bench-", unit), kRoot));
  for (int i = 0; i < location_count; ++i) {
    inventory::v1::CreateLocationRequest request;
    request.set_parent(UnitName(unit));
    request.set_location_id(absl::StrCat("room-", i));
    request.mutable_location()->mutable_title()->set_zh("库房");
    request.mutable_location()->set_kind(inventory::v1::STORE_ROOM);
    request.set_request_id(FreshRequestId());
    QM_RETURN_IF_ERROR(Call(units, &Units::Stub::CreateLocation, request));
  }
  return absl::OkStatus();
}

absl::Status CreateItemWithLots(Catalog::Stub& catalog, Ledger::Stub& ledger, int item,
                                int lot_count) {
  inventory::v1::CreateItemRequest request;
  request.set_item_id(absl::StrCat("goods-", item));
  request.mutable_item()->mutable_title()->set_zh("N95口罩");
  request.mutable_item()->set_base_unit("piece");
  request.set_request_id(FreshRequestId());
  QM_RETURN_IF_ERROR(Call(catalog, &Catalog::Stub::CreateItem, request));
  for (int i = 0; i < lot_count; ++i) {
    inventory::v1::CreateLotRequest lot;
    lot.set_parent(ItemName(item));
    lot.set_lot_id(absl::StrCat("l", i));
    lot.mutable_lot()->set_origin(inventory::v1::Lot::SUPPLIER);
    lot.mutable_lot()->set_owner(kRoot);
    lot.set_request_id(FreshRequestId());
    QM_RETURN_IF_ERROR(Call(ledger, &Ledger::Stub::CreateLot, lot));
  }
  return absl::OkStatus();
}

absl::Status PostBatch(Ledger::Stub& ledger, const std::vector<int64_t>& numbers,
                       const MakeRequest& make_request) {
  inventory::v1::BatchPostMovementsRequest request;
  for (const int64_t number : numbers) *request.add_requests() = make_request(number);
  inventory::v1::BatchPostMovementsResponse response;
  QM_RETURN_IF_ERROR(Call(ledger, &Ledger::Stub::BatchPostMovements, request, response));
  for (const auto& result : response.results()) {
    if (result.has_error()) return absl::InternalError(result.error().message());
  }
  return absl::OkStatus();
}

}  // namespace

std::string SystemsJson() {
  return R"({"spiffe://quartermaster/systems/province-demo": {
    "name": "systems/bench", "grants": [
      {"role": "administrator", "unit": "units/bench"},
      {"role": "dispatcher", "unit": "units/bench"}]}})";
}

std::vector<std::string> DatabaseFlags() {
  return {"--innodb-buffer-pool-size=2G", "--innodb-log-file-size=1G"};
}

std::vector<std::string> PersonGrants() { return {absl::StrCat("unit-quartermaster@", kRoot)}; }

Target InventoryAt(const testing::Stack& stack, const std::string& address) {
  return {.address = address,
          .ca_file = stack.directory() + "/ca.pem",
          .certificate_file = stack.directory() + "/province-demo.pem",
          .key_file = stack.directory() + "/province-demo-key.pem"};
}

absl::Status MakeWorld(const std::shared_ptr<grpc::Channel>& inventory, const WorldSize& size) {
  const auto units = Units::NewStub(inventory);
  QM_RETURN_IF_ERROR(CreateUnit(*units, "bench", ""));
  for (int i = 0; i < size.unit_count; ++i) {
    QM_RETURN_IF_ERROR(CreateUnitWithLocations(*units, i, size.locations_per_unit));
  }
  const auto catalog = Catalog::NewStub(inventory);
  const auto ledger = Ledger::NewStub(inventory);
  for (int i = 0; i < size.item_count; ++i) {
    QM_RETURN_IF_ERROR(CreateItemWithLots(*catalog, *ledger, i, size.lots_per_item));
  }
  return absl::OkStatus();
}

MakeRequest SpreadPostings(const WorldSize& size, int line_count) {
  return [=](int64_t number) {
    inventory::v1::PostMovementRequest request = EmptyReceipt();
    for (int i = 0; i < line_count; ++i) {
      int64_t rest = number * line_count + i;
      const auto next = [&](int count) {
        const int64_t digit = rest % count;
        rest /= count;
        return static_cast<int>(digit);
      };
      const int location = next(size.locations_per_unit);
      const int unit = next(size.unit_count);
      const int lot = next(size.lots_per_item);
      AddLine(LocationName(unit, location), LotName(next(size.item_count), lot), request);
    }
    return request;
  };
}

MakeRequest HotPostings() {
  return [](int64_t) {
    inventory::v1::PostMovementRequest request = EmptyReceipt();
    AddLine(LocationName(0, 0), LotName(0, 0), request);
    return request;
  };
}

absl::Status PostHistory(const std::shared_ptr<grpc::Channel>& inventory, int64_t movement_count,
                         const MakeRequest& make_request) {
  constexpr int kThreadCount = 4;
  // The lines of all batches under way fit into what a service lets wait.
  constexpr int kBatchLinesMax = 4000;
  const int line_count = make_request(0).lines_size();
  const int64_t batch = std::clamp(kBatchLinesMax / line_count, 1, 100);
  std::atomic<int64_t> next = 0;
  std::mutex mutex;
  absl::Status outcome;
  const auto post = [&] {
    const auto ledger = Ledger::NewStub(inventory);
    while (true) {
      const int64_t begin = next.fetch_add(batch);
      if (begin >= movement_count) return;
      const int64_t end = std::min(begin + batch, movement_count);
      if (begin / batch % 100 == 0) std::cerr << "history: " << begin * line_count << " lines\n";
      std::vector<int64_t> numbers(end - begin);
      std::iota(numbers.begin(), numbers.end(), begin);
      const absl::Status posted = PostBatch(*ledger, numbers, make_request);
      if (posted.ok()) continue;
      std::lock_guard lock(mutex);
      outcome.Update(posted);
      next = movement_count;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreadCount; ++i) threads.emplace_back(post);
  for (std::thread& thread : threads) thread.join();
  return outcome;
}

}  // namespace quartermaster::load
