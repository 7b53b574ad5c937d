#pragma once

#include <string>
#include <vector>

#include "tests/service/service_test.h"

namespace quartermaster::testing {

// May manage the catalog, but not for the whole tree.
inline constexpr char kEastManager[] = "persons/east";
// May read the catalog.
inline constexpr char kReader[] = "persons/reader";
// May do something, but nothing about items.
inline constexpr char kOutsider[] = "persons/stranger";

using CatalogStub = v1::Catalog::Stub;

// Tests of the catalog: the tree of `ServiceTest`.
class CatalogTest : public ServiceTest {
 protected:
  CatalogTest() {
    MakeTree();
    server_->authenticator().Grant(kEastManager, "units/east", {"catalog.manage", "catalog.read"});
    server_->authenticator().Grant(kReader, "units/station", {"catalog.read"});
    server_->authenticator().Grant(kOutsider, "units/city", {"units.read"});
  }

  absl::StatusOr<v1::Item> Create(const v1::CreateItemRequest& request,
                                  const std::string& caller = kAdmin) {
    return server_->Call(&CatalogStub::CreateItem, request, caller);
  }
  absl::StatusOr<v1::Item> Get(const std::string& name, const std::string& caller = kReader) {
    v1::GetItemRequest request;
    request.set_name(name);
    return server_->Call(&CatalogStub::GetItem, request, caller);
  }
  v1::UpdateItemRequest AnUpdate(const std::string& name) {
    v1::UpdateItemRequest request;
    *request.mutable_item() = Get(name).value_or(v1::Item());
    request.set_request_id(NewRequestId());
    return request;
  }
  absl::StatusOr<v1::Item> Update(const v1::UpdateItemRequest& request,
                                  const std::string& caller = kAdmin) {
    return server_->Call(&CatalogStub::UpdateItem, request, caller);
  }
  static v1::DeclarePackRequest APack(const std::string& item, const std::string& pack,
                                      int64_t amount, const std::string& unit = "") {
    v1::DeclarePackRequest request;
    request.set_item(item);
    request.mutable_pack()->set_pack(pack);
    request.mutable_pack()->mutable_content()->set_amount(amount);
    request.mutable_pack()->mutable_content()->set_unit(unit);
    request.set_request_id(NewRequestId());
    return request;
  }
  absl::StatusOr<v1::Item> Declare(const v1::DeclarePackRequest& request,
                                   const std::string& caller = kAdmin) {
    return server_->Call(&CatalogStub::DeclarePack, request, caller);
  }
  absl::StatusOr<v1::ConvertQuantityResponse> Convert(const std::string& item, int64_t amount,
                                                      const std::string& unit,
                                                      const std::string& caller = kReader) {
    v1::ConvertQuantityRequest request;
    request.set_item(item);
    request.mutable_quantity()->set_amount(amount);
    request.mutable_quantity()->set_unit(unit);
    return server_->Call(&CatalogStub::ConvertQuantity, request, caller);
  }
  static void AddUnit(v1::Item& item, const std::string& unit, int64_t numerator,
                      int64_t denominator = 0) {
    v1::ItemUnit& added = *item.add_units();
    added.set_unit(unit);
    added.set_numerator(numerator);
    added.set_denominator(denominator);
  }
};

}  // namespace quartermaster::testing
