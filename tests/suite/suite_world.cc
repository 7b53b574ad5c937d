#include "tests/suite/suite_world.h"

#include <fstream>
#include <optional>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/auth/authenticator.h"
#include "platform/auth/edge_authenticator.h"
#include "platform/auth/jwt.h"
#include "platform/base/check.h"
#include "platform/base/clock.h"
#include "platform/base/uuid.h"
#include "platform/mysql/connection.h"
#include "platform/mysql/pool.h"
#include "quartermaster/inventory/v1/catalog.grpc.pb.h"
#include "quartermaster/inventory/v1/units.grpc.pb.h"
#include "tests/harness/invariants.h"

namespace quartermaster::testing {
namespace {

Stack* shared_stack = nullptr;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

template <typename Stub, typename Request, typename Response>
void Make(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
          Request request, const std::string& token) {
  request.set_request_id(NewRequestId());
  const absl::StatusOr<Response> made = CallGateway(method, request, token);
  ASSERT_TRUE(made.ok()) << made.status();
}

void MakeCity() {
  const std::string token = TokenOf("founder", {"administrator@units/city"});
  v1::CreateUnitRequest city;
  city.set_unit_id("city");
  city.mutable_unit()->mutable_title()->set_zh("市局");
  city.mutable_unit()->set_kind(v1::CITY);
  Make(&v1::Units::Stub::CreateUnit, city, token);
  for (const char* id : {"depot", "shelf"}) {
    v1::CreateLocationRequest location;
    location.set_parent("units/city");
    location.set_location_id(id);
    location.mutable_location()->mutable_title()->set_zh("库房");
    location.mutable_location()->set_kind(v1::STORE_ROOM);
    Make(&v1::Units::Stub::CreateLocation, location, token);
  }
  v1::CreateItemRequest item;
  item.set_item_id("mask");
  item.mutable_item()->mutable_title()->set_zh("口罩");
  item.mutable_item()->set_base_unit("piece");
  item.mutable_item()->add_units()->set_unit("box");
  item.mutable_item()->mutable_units(0)->set_numerator(50);
  Make(&v1::Catalog::Stub::CreateItem, item, token);
  for (const char* id : {"a", "b"}) {
    v1::CreateLotRequest lot;
    lot.set_parent("items/mask");
    lot.set_lot_id(id);
    lot.mutable_lot()->set_origin(v1::Lot::SUPPLIER);
    lot.mutable_lot()->set_owner("units/city");
    Make(&v1::Ledger::Stub::CreateLot, lot, token);
  }
}

v1::PostMovementRequest APosting(v1::MovementReason reason, const std::string& location,
                                 v1::AccountState from, v1::AccountState to, int64_t amount) {
  v1::PostMovementRequest request;
  request.set_reason(reason);
  v1::MovementLine& line = *request.add_lines();
  line.set_lot(kMasks);
  line.mutable_source()->set_location(location);
  line.mutable_source()->set_state(from);
  line.mutable_destination()->set_location(location);
  line.mutable_destination()->set_state(to);
  line.mutable_quantity()->set_amount(amount);
  request.set_request_id(NewRequestId());
  return request;
}

// Starts the programs before the first test and ends them after the last.
class StackEnvironment final : public ::testing::Environment {
 public:
  void SetUp() override {
    auto stack = Stack::Start();
    ASSERT_TRUE(stack.ok()) << stack.status();
    stack_ = *std::move(stack);
    shared_stack = stack_.get();
    MakeCity();
  }
  void TearDown() override {
    if (HasFailure() && stack_ != nullptr) {
      std::printf("inventory-svc:\n%s\ngateway:\n%s\n", LogOf("inventory-svc").c_str(),
                  LogOf("gateway").c_str());
    }
    shared_stack = nullptr;
    stack_.reset();
  }

 private:
  static bool HasFailure() { return ::testing::UnitTest::GetInstance()->Failed(); }

  std::unique_ptr<Stack> stack_;
};

[[maybe_unused]] const auto* const kEnvironment =
    ::testing::AddGlobalTestEnvironment(new StackEnvironment);

}  // namespace

Stack& SharedStack() {
  QM_CHECK(shared_stack != nullptr);
  return *shared_stack;
}

std::string NewRequestId() {
  static const base::SystemClock clock;
  static base::UuidSource uuids(clock);
  return uuids.Next().ToString();
}

std::string TokenOf(const std::string& subject, const std::vector<std::string>& grants,
                    absl::Duration age, absl::Duration lifetime) {
  const auto signer =
      auth::JwtSigner::FromPem(ReadFile(SharedStack().directory() + "/issuer-key.pem"),
                               {.issuer = auth::kDemoIssuer, .audience = auth::kEdgeAudience});
  QM_CHECK(signer.ok());
  const absl::Time issued = absl::Now() - age;
  auth::Claims claims{
      .subject = subject, .issue_time = issued, .expire_time = issued + lifetime, .grants = {}};
  for (const std::string& grant : grants) {
    const std::vector<std::string> parts = absl::StrSplit(grant, '@');
    claims.grants.push_back({.role = parts[0], .unit = parts[1]});
  }
  return signer->Sign(claims);
}

std::string ClerkToken(const std::string& subject) {
  return TokenOf(subject, {"approver@units/city"});
}

v1::PostMovementRequest AReceipt(int64_t amount, const std::string& location) {
  return APosting(v1::RECEIVE, location, v1::SUPPLIER, v1::AVAILABLE, amount);
}

v1::PostMovementRequest AConsumption(int64_t amount) {
  return APosting(v1::CONSUME, kDepot, v1::AVAILABLE, v1::CONSUMED, amount);
}

HttpReply CallJson(const std::string& method, const std::string& target, const std::string& token,
                   const std::string& body, HttpHeaders headers) {
  if (!token.empty()) headers["Authorization"] = "Bearer " + token;
  return SendHttp(SharedStack().gateway_http_address(), method, target, headers, body);
}

namespace {

// Returns the detail of an error of that type of google.rpc, null if there is none.
nlohmann::json FindDetail(const HttpReply& reply, const std::string& type) {
  const nlohmann::json error = nlohmann::json::parse(reply.body, nullptr, false);
  if (!error.is_object() || !error.contains("details")) return nullptr;
  for (const nlohmann::json& detail : error["details"]) {
    if (detail.value("@type", "") == "type.googleapis.com/google.rpc." + type) return detail;
  }
  return nullptr;
}

}  // namespace

std::string ReasonOf(const HttpReply& reply) {
  const nlohmann::json info = FindDetail(reply, "ErrorInfo");
  return info.is_object() ? info.value("reason", "") : "no reason in: " + reply.body;
}

std::vector<std::string> FieldsOf(const HttpReply& reply) {
  std::vector<std::string> fields;
  const nlohmann::json request = FindDetail(reply, "BadRequest");
  if (!request.is_object()) return fields;
  for (const nlohmann::json& violation : request["fieldViolations"]) {
    fields.push_back(violation.value("field", ""));
  }
  return fields;
}

std::string LogOf(const std::string& program) {
  return ReadFile(absl::StrCat(SharedStack().directory(), "/", program, ".log"));
}

std::vector<std::string> FindViolations() {
  mysql::ConnectionOptions options = SharedStack().database().connection_options();
  options.database = "quartermaster_inventory";
  mysql::Pool pool({.connection = options, .size_max = 2});
  return FindBookViolations(pool);
}

}  // namespace quartermaster::testing
