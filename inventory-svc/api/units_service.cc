#include "inventory-svc/api/units_service.h"

#include "inventory-svc/api/units_codec.h"
#include "platform/base/status_macros.h"

namespace quartermaster::inventory {
namespace {

constexpr char kCreateUnit[] = "quartermaster.inventory.v1.Units/CreateUnit";
constexpr char kGetUnit[] = "quartermaster.inventory.v1.Units/GetUnit";
constexpr char kListUnits[] = "quartermaster.inventory.v1.Units/ListUnits";
constexpr char kUpdateUnit[] = "quartermaster.inventory.v1.Units/UpdateUnit";
constexpr char kMoveUnit[] = "quartermaster.inventory.v1.Units/MoveUnit";
constexpr char kCreateLocation[] = "quartermaster.inventory.v1.Units/CreateLocation";
constexpr char kGetLocation[] = "quartermaster.inventory.v1.Units/GetLocation";
constexpr char kListLocations[] = "quartermaster.inventory.v1.Units/ListLocations";
constexpr char kUpdateLocation[] = "quartermaster.inventory.v1.Units/UpdateLocation";

}  // namespace

grpc::ServerUnaryReactor* UnitsService::CreateUnit(grpc::CallbackServerContext* context,
                                                   const v1::CreateUnitRequest* request,
                                                   v1::Unit* response) {
  return serve_(context, kCreateUnit, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const CreateUnitCommand command, ParseCreateUnit(*request));
    QM_ASSIGN_OR_RETURN(const document::Versioned<Unit> unit, registry_.CreateUnit(call, command));
    RenderUnit(unit, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* UnitsService::GetUnit(grpc::CallbackServerContext* context,
                                                const v1::GetUnitRequest* request,
                                                v1::Unit* response) {
  return serve_(context, kGetUnit, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const std::string name, ParseGetUnit(*request));
    QM_ASSIGN_OR_RETURN(const document::Versioned<Unit> unit, registry_.GetUnit(call, name));
    RenderUnit(unit, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* UnitsService::ListUnits(grpc::CallbackServerContext* context,
                                                  const v1::ListUnitsRequest* request,
                                                  v1::ListUnitsResponse* response) {
  return serve_(context, kListUnits, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const ListQuery query, ParseListUnits(*request));
    QM_ASSIGN_OR_RETURN(const Page<document::Versioned<Unit>> page,
                        registry_.ListUnits(call, query.top, query.page));
    RenderUnits(query, page, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* UnitsService::UpdateUnit(grpc::CallbackServerContext* context,
                                                   const v1::UpdateUnitRequest* request,
                                                   v1::Unit* response) {
  return serve_(context, kUpdateUnit, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const UpdateUnitCommand command, ParseUpdateUnit(*request));
    QM_ASSIGN_OR_RETURN(const document::Versioned<Unit> unit, registry_.UpdateUnit(call, command));
    RenderUnit(unit, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* UnitsService::MoveUnit(grpc::CallbackServerContext* context,
                                                 const v1::MoveUnitRequest* request,
                                                 v1::Unit* response) {
  return serve_(context, kMoveUnit, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const MoveUnitCommand command, ParseMoveUnit(*request));
    QM_ASSIGN_OR_RETURN(const document::Versioned<Unit> unit, registry_.MoveUnit(call, command));
    RenderUnit(unit, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* UnitsService::CreateLocation(grpc::CallbackServerContext* context,
                                                       const v1::CreateLocationRequest* request,
                                                       v1::Location* response) {
  return serve_(
      context, kCreateLocation, *request, [=, this](const base::Call& call) -> absl::Status {
        QM_ASSIGN_OR_RETURN(const CreateLocationCommand command, ParseCreateLocation(*request));
        QM_ASSIGN_OR_RETURN(const document::Versioned<Location> location,
                            registry_.CreateLocation(call, command));
        RenderLocation(location, *response);
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* UnitsService::GetLocation(grpc::CallbackServerContext* context,
                                                    const v1::GetLocationRequest* request,
                                                    v1::Location* response) {
  return serve_(context, kGetLocation, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const std::string name, ParseGetLocation(*request));
    QM_ASSIGN_OR_RETURN(const document::Versioned<Location> location,
                        registry_.GetLocation(call, name));
    RenderLocation(location, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* UnitsService::ListLocations(grpc::CallbackServerContext* context,
                                                      const v1::ListLocationsRequest* request,
                                                      v1::ListLocationsResponse* response) {
  return serve_(context, kListLocations, *request,
                [=, this](const base::Call& call) -> absl::Status {
                  QM_ASSIGN_OR_RETURN(const ListQuery query, ParseListLocations(*request));
                  QM_ASSIGN_OR_RETURN(const Page<document::Versioned<Location>> page,
                                      registry_.ListLocations(call, query.top, query.page));
                  RenderLocations(query, page, *response);
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* UnitsService::UpdateLocation(grpc::CallbackServerContext* context,
                                                       const v1::UpdateLocationRequest* request,
                                                       v1::Location* response) {
  return serve_(
      context, kUpdateLocation, *request, [=, this](const base::Call& call) -> absl::Status {
        QM_ASSIGN_OR_RETURN(const UpdateLocationCommand command, ParseUpdateLocation(*request));
        QM_ASSIGN_OR_RETURN(const document::Versioned<Location> location,
                            registry_.UpdateLocation(call, command));
        RenderLocation(location, *response);
        return absl::OkStatus();
      });
}

}  // namespace quartermaster::inventory
