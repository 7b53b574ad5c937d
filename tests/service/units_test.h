#pragma once

#include <string>
#include <vector>

#include "tests/service/service_test.h"

namespace quartermaster::testing {

// May do everything with units, in the east alone.
inline constexpr char kEastManager[] = "persons/east";
// May do something, but nothing about units.
inline constexpr char kOutsider[] = "persons/stranger";

using UnitsStub = v1::Units::Stub;

// Tests of units and locations: the tree of `ServiceTest`.
class UnitsTest : public ServiceTest {
 protected:
  UnitsTest() {
    MakeTree();
    server_->authenticator().Grant(kEastManager, "units/east", {"units.manage", "units.read"});
    server_->authenticator().Grant(kOutsider, "units/city", {"catalog.read"});
  }

  absl::StatusOr<v1::Unit> Create(const v1::CreateUnitRequest& request,
                                  const std::string& caller = kAdmin) {
    return server_->Call(&UnitsStub::CreateUnit, request, caller);
  }
  absl::StatusOr<v1::Unit> Get(const std::string& name, const std::string& caller = kAdmin) {
    v1::GetUnitRequest request;
    request.set_name(name);
    return server_->Call(&UnitsStub::GetUnit, request, caller);
  }
  absl::StatusOr<v1::Unit> Move(const v1::MoveUnitRequest& request,
                                const std::string& caller = kAdmin) {
    return server_->Call(&UnitsStub::MoveUnit, request, caller);
  }
  v1::MoveUnitRequest AMove(const std::string& name, const std::string& parent) {
    v1::MoveUnitRequest request;
    request.set_name(name);
    request.set_parent(parent);
    request.set_etag(Get(name).value_or(v1::Unit()).etag());
    request.set_request_id(NewRequestId());
    return request;
  }
  v1::UpdateUnitRequest AnUpdate(const std::string& name) {
    v1::UpdateUnitRequest request;
    *request.mutable_unit() = Get(name).value_or(v1::Unit());
    request.set_request_id(NewRequestId());
    return request;
  }
  absl::StatusOr<v1::Unit> Update(const v1::UpdateUnitRequest& request,
                                  const std::string& caller = kAdmin) {
    return server_->Call(&UnitsStub::UpdateUnit, request, caller);
  }
  std::vector<std::string> List(const std::string& root, const std::string& caller) {
    v1::ListUnitsRequest request;
    request.set_root(root);
    const auto page = server_->Call(&UnitsStub::ListUnits, request, caller);
    EXPECT_TRUE(page.ok()) << page.status();
    std::vector<std::string> names;
    if (page.ok()) {
      for (const v1::Unit& unit : page->units()) names.push_back(unit.name());
    }
    return names;
  }
};

}  // namespace quartermaster::testing
