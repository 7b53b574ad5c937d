#pragma once

#include "inventory-svc/domain/unit_registry.h"
#include "platform/rpc/serve.h"
#include "quartermaster/inventory/v1/units.grpc.pb.h"

namespace quartermaster::inventory {

// The gRPC face of units and locations: parses, asks, renders. Thread-safe; what it is given must
// outlive it.
class UnitsService final : public v1::Units::CallbackService {
 public:
  UnitsService(const rpc::Serve& serve, UnitRegistry& registry)
      : serve_(serve), registry_(registry) {}

  grpc::ServerUnaryReactor* CreateUnit(grpc::CallbackServerContext* context,
                                       const v1::CreateUnitRequest* request,
                                       v1::Unit* response) override;
  grpc::ServerUnaryReactor* GetUnit(grpc::CallbackServerContext* context,
                                    const v1::GetUnitRequest* request, v1::Unit* response) override;
  grpc::ServerUnaryReactor* ListUnits(grpc::CallbackServerContext* context,
                                      const v1::ListUnitsRequest* request,
                                      v1::ListUnitsResponse* response) override;
  grpc::ServerUnaryReactor* UpdateUnit(grpc::CallbackServerContext* context,
                                       const v1::UpdateUnitRequest* request,
                                       v1::Unit* response) override;
  grpc::ServerUnaryReactor* MoveUnit(grpc::CallbackServerContext* context,
                                     const v1::MoveUnitRequest* request,
                                     v1::Unit* response) override;
  grpc::ServerUnaryReactor* CreateLocation(grpc::CallbackServerContext* context,
                                           const v1::CreateLocationRequest* request,
                                           v1::Location* response) override;
  grpc::ServerUnaryReactor* GetLocation(grpc::CallbackServerContext* context,
                                        const v1::GetLocationRequest* request,
                                        v1::Location* response) override;
  grpc::ServerUnaryReactor* ListLocations(grpc::CallbackServerContext* context,
                                          const v1::ListLocationsRequest* request,
                                          v1::ListLocationsResponse* response) override;
  grpc::ServerUnaryReactor* UpdateLocation(grpc::CallbackServerContext* context,
                                           const v1::UpdateLocationRequest* request,
                                           v1::Location* response) override;

 private:
  const rpc::Serve& serve_;
  UnitRegistry& registry_;
};

}  // namespace quartermaster::inventory
