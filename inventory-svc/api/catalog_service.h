#pragma once

#include "inventory-svc/domain/item_catalog.h"
#include "platform/rpc/serve.h"
#include "quartermaster/inventory/v1/catalog.grpc.pb.h"

namespace quartermaster::inventory {

// The gRPC face of the catalog: parses, asks, renders. Thread-safe; what it is given must outlive
// it.
class CatalogService final : public v1::Catalog::CallbackService {
 public:
  CatalogService(const rpc::Serve& serve, ItemCatalog& catalog)
      : serve_(serve), catalog_(catalog) {}

  grpc::ServerUnaryReactor* CreateItem(grpc::CallbackServerContext* context,
                                       const v1::CreateItemRequest* request,
                                       v1::Item* response) override;
  grpc::ServerUnaryReactor* GetItem(grpc::CallbackServerContext* context,
                                    const v1::GetItemRequest* request, v1::Item* response) override;
  grpc::ServerUnaryReactor* ListItems(grpc::CallbackServerContext* context,
                                      const v1::ListItemsRequest* request,
                                      v1::ListItemsResponse* response) override;
  grpc::ServerUnaryReactor* UpdateItem(grpc::CallbackServerContext* context,
                                       const v1::UpdateItemRequest* request,
                                       v1::Item* response) override;
  grpc::ServerUnaryReactor* DeclarePack(grpc::CallbackServerContext* context,
                                        const v1::DeclarePackRequest* request,
                                        v1::Item* response) override;
  grpc::ServerUnaryReactor* ConvertQuantity(grpc::CallbackServerContext* context,
                                            const v1::ConvertQuantityRequest* request,
                                            v1::ConvertQuantityResponse* response) override;

 private:
  const rpc::Serve& serve_;
  ItemCatalog& catalog_;
};

}  // namespace quartermaster::inventory
