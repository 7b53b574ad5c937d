#include "inventory-svc/api/catalog_service.h"

#include "inventory-svc/api/catalog_codec.h"
#include "platform/base/status_macros.h"

namespace quartermaster::inventory {
namespace {

constexpr char kCreateItem[] = "quartermaster.inventory.v1.Catalog/CreateItem";
constexpr char kGetItem[] = "quartermaster.inventory.v1.Catalog/GetItem";
constexpr char kListItems[] = "quartermaster.inventory.v1.Catalog/ListItems";
constexpr char kUpdateItem[] = "quartermaster.inventory.v1.Catalog/UpdateItem";
constexpr char kDeclarePack[] = "quartermaster.inventory.v1.Catalog/DeclarePack";
constexpr char kConvertQuantity[] = "quartermaster.inventory.v1.Catalog/ConvertQuantity";

}  // namespace

grpc::ServerUnaryReactor* CatalogService::CreateItem(grpc::CallbackServerContext* context,
                                                     const v1::CreateItemRequest* request,
                                                     v1::Item* response) {
  return serve_(context, kCreateItem, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const CreateItemCommand command, ParseCreateItem(*request));
    QM_ASSIGN_OR_RETURN(const document::Versioned<Item> item, catalog_.CreateItem(call, command));
    RenderItem(item, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* CatalogService::GetItem(grpc::CallbackServerContext* context,
                                                  const v1::GetItemRequest* request,
                                                  v1::Item* response) {
  return serve_(context, kGetItem, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const std::string name, ParseGetItem(*request));
    QM_ASSIGN_OR_RETURN(const document::Versioned<Item> item, catalog_.GetItem(call, name));
    RenderItem(item, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* CatalogService::ListItems(grpc::CallbackServerContext* context,
                                                    const v1::ListItemsRequest* request,
                                                    v1::ListItemsResponse* response) {
  return serve_(context, kListItems, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const PageRequest request_page, ParseListItems(*request));
    QM_ASSIGN_OR_RETURN(const Page<document::Versioned<Item>> page,
                        catalog_.ListItems(call, request_page));
    RenderItems(page, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* CatalogService::UpdateItem(grpc::CallbackServerContext* context,
                                                     const v1::UpdateItemRequest* request,
                                                     v1::Item* response) {
  return serve_(context, kUpdateItem, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const UpdateItemCommand command, ParseUpdateItem(*request));
    QM_ASSIGN_OR_RETURN(const document::Versioned<Item> item, catalog_.UpdateItem(call, command));
    RenderItem(item, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* CatalogService::DeclarePack(grpc::CallbackServerContext* context,
                                                      const v1::DeclarePackRequest* request,
                                                      v1::Item* response) {
  return serve_(context, kDeclarePack, *request, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const DeclarePackCommand command, ParseDeclarePack(*request));
    QM_ASSIGN_OR_RETURN(const document::Versioned<Item> item, catalog_.DeclarePack(call, command));
    RenderItem(item, *response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* CatalogService::ConvertQuantity(grpc::CallbackServerContext* context,
                                                          const v1::ConvertQuantityRequest* request,
                                                          v1::ConvertQuantityResponse* response) {
  return serve_(
      context, kConvertQuantity, *request, [=, this](const base::Call& call) -> absl::Status {
        QM_ASSIGN_OR_RETURN(const ConvertQuery query, ParseConvertQuantity(*request));
        QM_ASSIGN_OR_RETURN(
            const BaseQuantity base,
            catalog_.Convert(call, query.item, query.quantity.amount, query.quantity.unit));
        response->set_base_quantity(base.amount);
        response->set_base_unit(base.base_unit);
        return absl::OkStatus();
      });
}

}  // namespace quartermaster::inventory
