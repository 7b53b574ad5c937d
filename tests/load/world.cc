#include "tests/load/world.h"

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

constexpr char kItem[] = "items/n95-mask";

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
                  const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  Response response;
  return ToAbsl((stub.*method)(&context, request, &response));
}

inventory::v1::PostMovementRequest Receipt(int location, int lot) {
  inventory::v1::PostMovementRequest request;
  request.set_reason(inventory::v1::RECEIVE);
  request.set_request_id(FreshRequestId());
  auto& line = *request.add_lines();
  line.set_lot(absl::StrCat(kItem, "/lots/l", lot));
  const std::string place = absl::StrCat(kUnit, "/locations/room-", location);
  line.mutable_source()->set_location(place);
  line.mutable_source()->set_state(inventory::v1::SUPPLIER);
  line.mutable_destination()->set_location(place);
  line.mutable_destination()->set_state(inventory::v1::AVAILABLE);
  line.mutable_quantity()->set_amount(1);
  return request;
}

}  // namespace

std::string SystemsJson() {
  return R"({"spiffe://quartermaster/systems/province-demo": {
    "name": "systems/bench", "grants": [
      {"role": "administrator", "unit": "units/bench"},
      {"role": "dispatcher", "unit": "units/bench"}]}})";
}

std::vector<std::string> PersonGrants() { return {absl::StrCat("unit-quartermaster@", kUnit)}; }

absl::Status MakeWorld(const std::shared_ptr<grpc::Channel>& inventory) {
  const auto units = Units::NewStub(inventory);
  const auto catalog = Catalog::NewStub(inventory);
  const auto ledger = Ledger::NewStub(inventory);
  inventory::v1::CreateUnitRequest unit;
  unit.set_unit_id("bench");
  unit.mutable_unit()->mutable_title()->set_zh("测量");
  unit.mutable_unit()->set_kind(inventory::v1::CITY);
  unit.set_request_id(FreshRequestId());
  QM_RETURN_IF_ERROR(Call(*units, &Units::Stub::CreateUnit, unit));
  for (int i = 0; i < kLocationCount; ++i) {
    inventory::v1::CreateLocationRequest location;
    location.set_parent(kUnit);
    location.set_location_id(absl::StrCat("room-", i));
    location.mutable_location()->mutable_title()->set_zh("库房");
    location.mutable_location()->set_kind(inventory::v1::STORE_ROOM);
    location.set_request_id(FreshRequestId());
    QM_RETURN_IF_ERROR(Call(*units, &Units::Stub::CreateLocation, location));
  }
  inventory::v1::CreateItemRequest item;
  item.set_item_id("n95-mask");
  item.mutable_item()->mutable_title()->set_zh("N95口罩");
  item.mutable_item()->set_base_unit("piece");
  item.set_request_id(FreshRequestId());
  QM_RETURN_IF_ERROR(Call(*catalog, &Catalog::Stub::CreateItem, item));
  for (int i = 0; i < kLotCount; ++i) {
    inventory::v1::CreateLotRequest lot;
    lot.set_parent(kItem);
    lot.set_lot_id(absl::StrCat("l", i));
    lot.mutable_lot()->set_origin(inventory::v1::Lot::SUPPLIER);
    lot.mutable_lot()->set_owner(kUnit);
    lot.set_request_id(FreshRequestId());
    QM_RETURN_IF_ERROR(Call(*ledger, &Ledger::Stub::CreateLot, lot));
  }
  return absl::OkStatus();
}

MakeRequest SpreadPostings() {
  return [](int64_t number) {
    return Receipt(static_cast<int>(number % kLocationCount),
                   static_cast<int>(number / kLocationCount % kLotCount));
  };
}

MakeRequest HotPostings() {
  return [](int64_t) { return Receipt(0, 0); };
}

}  // namespace quartermaster::load
