#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "inventory_migrations.h"
#include "platform/rpc/page_token.h"
#include "platform/status/error.h"
#include "quartermaster/inventory/v1/catalog.grpc.pb.h"
#include "quartermaster/inventory/v1/units.grpc.pb.h"
#include "tests/harness/database.h"
#include "tests/harness/inventory_server.h"
#include "tests/harness/process.h"

namespace quartermaster::testing {

namespace v1 = ::quartermaster::inventory::v1;

// Who may do everything everywhere.
inline constexpr char kAdmin[] = "persons/admin";

// Returns the next of a program's request ids.
inline std::string NewRequestId() {
  static int64_t count = 0;
  return absl::StrFormat("00000000-0000-4000-8000-%012x", ++count);
}

// Renders what a call came to, for tables of errors: `OK`, or `NOT_FOUND UNIT_NOT_FOUND`.
inline std::string OutcomeOf(const absl::Status& status) {
  if (status.ok()) return "OK";
  return absl::StatusCodeToString(status.code()) + " " + status::GetReason(status);
}

template <typename T>
std::string Outcome(const absl::StatusOr<T>& answer) {
  return OutcomeOf(answer.status());
}

// Returns the fields that an INVALID_ARGUMENT names, in its order.
template <typename T>
std::vector<std::string> ViolatedFields(const absl::StatusOr<T>& answer) {
  std::vector<std::string> fields;
  for (const auto& violation : status::GetErrorDetail(answer.status()).field_violations) {
    fields.push_back(violation.field);
  }
  return fields;
}

// Makes a page token for `request` that no list gave: all who know how tokens are made can.
template <typename Request>
std::string MakeToken(Request request, const std::string& position) {
  request.clear_page_token();
  request.clear_page_size();
  return rpc::MakePageToken(
      absl::StrCat(Request::descriptor()->full_name(), "\n", request.SerializeAsString()),
      position);
}

// Returns one part of an error's metadata.
template <typename T>
std::string Metadata(const absl::StatusOr<T>& answer, const std::string& key) {
  for (const auto& [name, value] : status::GetErrorDetail(answer.status()).metadata) {
    if (name == key) return value;
  }
  return "(none)";
}

// Tests of one interface: an empty database and a server for each test. The tree that most begin
// with: `units/city`, beneath it `units/east` and `units/west`, beneath east `units/station`.
class ServiceTest : public ::testing::Test {
 protected:
  ServiceTest() : database_(SharedDatabase(InventoryMigrations())), server_(StartEmpty(database_)) {
    server_->authenticator().Grant(
        kAdmin, "units/city", {"units.manage", "units.read", "catalog.manage", "catalog.read"});
  }

  static std::unique_ptr<InventoryServer> StartEmpty(TestDatabase& database) {
    database.ClearTables();
    return InventoryServer::Start(database);
  }

  static v1::CreateUnitRequest ACreateUnit(const std::string& id, const std::string& parent) {
    v1::CreateUnitRequest request;
    request.set_unit_id(id);
    request.mutable_unit()->set_parent(parent);
    request.mutable_unit()->mutable_title()->set_zh("单位" + id);
    request.mutable_unit()->set_kind(v1::STATION);
    request.set_request_id(NewRequestId());
    return request;
  }

  v1::Unit MakeUnit(const std::string& id, const std::string& parent) {
    const auto made = server_->Call(&v1::Units::Stub::CreateUnit, ACreateUnit(id, parent), kAdmin);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.value_or(v1::Unit());
  }

  void MakeTree() {
    MakeUnit("city", "");
    MakeUnit("east", "units/city");
    MakeUnit("west", "units/city");
    MakeUnit("station", "units/east");
  }

  static v1::CreateLocationRequest ACreateLocation(const std::string& unit, const std::string& id) {
    v1::CreateLocationRequest request;
    request.set_parent(unit);
    request.set_location_id(id);
    request.mutable_location()->mutable_title()->set_zh("库" + id);
    request.mutable_location()->set_kind(v1::STORE_ROOM);
    request.set_request_id(NewRequestId());
    return request;
  }

  v1::Location MakeLocation(const std::string& unit, const std::string& id) {
    const auto made =
        server_->Call(&v1::Units::Stub::CreateLocation, ACreateLocation(unit, id), kAdmin);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.value_or(v1::Location());
  }

  static v1::CreateItemRequest ACreateItem(const std::string& id) {
    v1::CreateItemRequest request;
    request.set_item_id(id);
    request.mutable_item()->mutable_title()->set_zh("物资" + id);
    request.mutable_item()->set_base_unit("piece");
    request.set_request_id(NewRequestId());
    return request;
  }

  v1::Item MakeItem(const std::string& id) {
    const auto made = server_->Call(&v1::Catalog::Stub::CreateItem, ACreateItem(id), kAdmin);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.value_or(v1::Item());
  }

  // Counts the rows of a table.
  int64_t Count(const std::string& table) {
    auto lease = database_.pool().Acquire(absl::Now() + absl::Seconds(10));
    EXPECT_TRUE(lease.ok()) << lease.status();
    const auto rows = (*lease)->Query("SELECT COUNT(*) FROM " + table);
    EXPECT_TRUE(rows.ok()) << rows.status();
    return (*rows)[0].Int64(0);
  }

  TestDatabase& database_;
  std::unique_ptr<InventoryServer> server_;
};

}  // namespace quartermaster::testing
