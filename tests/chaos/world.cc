#include "tests/chaos/world.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/clock.h"
#include "platform/base/status_macros.h"
#include "platform/base/uuid.h"
#include "quartermaster/inventory/v1/catalog.grpc.pb.h"
#include "quartermaster/inventory/v1/ledger.grpc.pb.h"
#include "quartermaster/inventory/v1/units.grpc.pb.h"

namespace quartermaster::testing {
namespace {

namespace v1 = ::quartermaster::inventory::v1;

// Makes calls in one person's name, each under a request id of its own.
class Founder {
 public:
  explicit Founder(std::string token) : token_(std::move(token)) {}

  template <typename Stub, typename Request, typename Response>
  absl::Status Call(Stub& stub,
                    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    Request request) {
    request.set_request_id(uuids_.Next().ToString());
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (true) {
      grpc::ClientContext context;
      context.AddMetadata("authorization", absl::StrCat("Bearer ", token_));
      context.set_wait_for_ready(true);
      context.set_deadline(absl::ToChronoTime(deadline));
      Response response;
      const grpc::Status status = (stub.*method)(&context, request, &response);
      if (status.ok()) return absl::OkStatus();
      // A connection from before the last fault may be the first to be tried.
      if (status.error_code() == grpc::StatusCode::UNAVAILABLE && absl::Now() < deadline) continue;
      return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                          status.error_message());
    }
  }

 private:
  const std::string token_;
  const base::SystemClock clock_;
  base::UuidSource uuids_{clock_};
};

absl::Status MakeItem(Founder& founder, v1::Catalog::Stub& catalog, const std::string& id) {
  v1::CreateItemRequest item;
  item.set_item_id(id);
  item.mutable_item()->mutable_title()->set_zh("口罩");
  item.mutable_item()->set_base_unit("piece");
  return founder.Call(catalog, &v1::Catalog::Stub::CreateItem, item);
}

absl::Status MakeLot(Founder& founder, v1::Ledger::Stub& ledger, const std::string& item,
                     const std::string& id) {
  v1::CreateLotRequest lot;
  lot.set_parent(item);
  lot.set_lot_id(id);
  lot.mutable_lot()->set_origin(v1::Lot::SUPPLIER);
  lot.mutable_lot()->set_owner(kCity);
  return founder.Call(ledger, &v1::Ledger::Stub::CreateLot, lot);
}

}  // namespace

absl::Status MakeCity(const std::shared_ptr<grpc::Channel>& gateway, const std::string& token) {
  Founder founder(token);
  const auto units = v1::Units::NewStub(gateway);
  const auto catalog = v1::Catalog::NewStub(gateway);
  const auto ledger = v1::Ledger::NewStub(gateway);
  v1::CreateUnitRequest city;
  city.set_unit_id("city");
  city.mutable_unit()->mutable_title()->set_zh("市局");
  city.mutable_unit()->set_kind(v1::CITY);
  QM_RETURN_IF_ERROR(founder.Call(*units, &v1::Units::Stub::CreateUnit, city));
  for (const char* id : {"depot", "shelf"}) {
    v1::CreateLocationRequest location;
    location.set_parent(kCity);
    location.set_location_id(id);
    location.mutable_location()->mutable_title()->set_zh("库房");
    location.mutable_location()->set_kind(v1::STORE_ROOM);
    QM_RETURN_IF_ERROR(founder.Call(*units, &v1::Units::Stub::CreateLocation, location));
  }
  QM_RETURN_IF_ERROR(MakeItem(founder, *catalog, "mask"));
  for (const char* id : {"a", "b"}) {
    QM_RETURN_IF_ERROR(MakeLot(founder, *ledger, "items/mask", id));
  }
  return absl::OkStatus();
}

absl::Status MakeItems(const std::shared_ptr<grpc::Channel>& gateway, const std::string& token,
                       const std::vector<std::string>& ids) {
  Founder founder(token);
  const auto catalog = v1::Catalog::NewStub(gateway);
  const auto ledger = v1::Ledger::NewStub(gateway);
  for (const std::string& id : ids) {
    QM_RETURN_IF_ERROR(MakeItem(founder, *catalog, id));
    QM_RETURN_IF_ERROR(MakeLot(founder, *ledger, absl::StrCat("items/", id), "a"));
  }
  return absl::OkStatus();
}

}  // namespace quartermaster::testing
