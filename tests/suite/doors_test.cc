// The ledger through the gateway, by gRPC and by JSON.

#include "tests/suite/doors.h"

#include <sstream>

#include "absl/strings/str_cat.h"
#include "platform/status/error.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

using MakeDoor = std::unique_ptr<Door> (*)(const std::string& token);

struct DoorCase {
  const char* name;
  MakeDoor make;
  MakeDoor make_other;
};

class DoorTest : public SuiteTest, public ::testing::WithParamInterface<DoorCase> {
 protected:
  DoorTest() : door_(GetParam().make(ClerkToken())), other_(GetParam().make_other(ClerkToken())) {}

  const std::unique_ptr<Door> door_;
  // The other way in, for the same person.
  const std::unique_ptr<Door> other_;
};

INSTANTIATE_TEST_SUITE_P(Doors, DoorTest,
                         ::testing::Values(DoorCase{"grpc", &MakeGrpcDoor, &MakeJsonDoor},
                                           DoorCase{"json", &MakeJsonDoor, &MakeGrpcDoor}),
                         [](const auto& door) { return std::string(door.param.name); });

TEST_P(DoorTest, PostsAndReverses) {
  v1::PostMovementRequest request = AReceipt(3);
  request.mutable_lines(0)->mutable_quantity()->set_unit("box");
  request.set_note("夜间到货 \"急\"\n第二行");

  const auto posted = door_->Post(request);
  ASSERT_TRUE(posted.ok()) << posted.status();
  v1::ReverseMovementRequest reverse;
  reverse.set_name(posted->name());
  reverse.set_note("记错了");
  reverse.set_request_id(NewRequestId());
  const auto reversed = door_->Reverse(reverse);

  ASSERT_TRUE(reversed.ok()) << reversed.status();
  EXPECT_EQ(posted->caller(), "persons/clerk");
  EXPECT_EQ(posted->lines(0).base_quantity(), 150);
  EXPECT_EQ(posted->note(), request.note());
  EXPECT_EQ(reversed->reverses(), posted->name());
  EXPECT_EQ(door_->Get(posted->name())->reversed_by(), reversed->name());
  // A repetition through the other door is the same request.
  EXPECT_EQ(other_->Post(request)->SerializeAsString(), posted->SerializeAsString());
  EXPECT_EQ(other_->Reverse(reverse)->SerializeAsString(), reversed->SerializeAsString());
  EXPECT_EQ(other_->Get(posted->name())->SerializeAsString(),
            door_->Get(posted->name())->SerializeAsString());
}

TEST_P(DoorTest, CarriesTheLargestNumber) {
  v1::PostMovementRequest request = AReceipt(9'007'199'254'740'993, kShelf);

  const auto posted = door_->Post(request);

  ASSERT_TRUE(posted.ok()) << posted.status();
  // A double would make it …992.
  EXPECT_EQ(posted->lines(0).base_quantity(), 9'007'199'254'740'993);
  v1::ReverseMovementRequest reverse;
  reverse.set_name(posted->name());
  reverse.set_note("n");
  reverse.set_request_id(NewRequestId());
  EXPECT_TRUE(door_->Reverse(reverse).ok());
}

TEST_P(DoorTest, BatchesAndPages) {
  v1::BatchPostMovementsRequest batch;
  for (int i = 1; i <= 5; ++i) *batch.add_requests() = AReceipt(i);
  batch.mutable_requests(2)->mutable_lines(0)->set_lot("items/mask/lots/ghost");

  const auto posted = door_->Batch(batch);
  ASSERT_TRUE(posted.ok()) << posted.status();
  ASSERT_EQ(posted->results_size(), 5);
  std::vector<std::string> newest_first;
  for (const auto& result : posted->results()) {
    if (result.has_movement()) {
      newest_first.insert(newest_first.begin(), result.movement().name());
    }
  }
  ASSERT_EQ(newest_first.size(), 4u);
  EXPECT_EQ(posted->results(2).error().code(), 5);
  EXPECT_THAT(posted->results(2).error().message(), HasSubstr("items/mask/lots/ghost"));

  v1::ListMovementsRequest list;
  list.set_unit("units/city");
  list.set_page_size(2);
  std::vector<std::string> listed;
  for (int page = 0; page < 2; ++page) {
    const auto answer = door_->List(list);
    ASSERT_TRUE(answer.ok()) << answer.status();
    for (const v1::Movement& movement : answer->movements()) listed.push_back(movement.name());
    list.set_page_token(answer->next_page_token());
  }
  EXPECT_EQ(listed, newest_first);
}

TEST_P(DoorTest, TellsWhyInAFormThatProgramsRead) {
  const auto refused = door_->Post(AConsumption(1'000'000'000));

  ASSERT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  const status::ErrorDetail detail = status::GetErrorDetail(refused.status());
  EXPECT_EQ(detail.reason, "INSUFFICIENT_STOCK");
  EXPECT_THAT(detail.metadata,
              ::testing::Contains(std::pair<std::string, std::string>("wanted", "1000000000")));
  v1::PostMovementRequest bad = AReceipt(0);
  bad.mutable_lines(0)->set_lot("x");
  std::vector<std::string> fields;
  for (const auto& violation : status::GetErrorDetail(door_->Post(bad).status()).field_violations) {
    fields.push_back(violation.field);
  }
  EXPECT_THAT(fields, ElementsAre("lines[0].lot", "lines[0].quantity.amount"));
}

using JsonTest = SuiteTest;

TEST_F(JsonTest, WritesNumbersAsTextAndZerosToo) {
  const auto posted = MakeGrpcDoor(ClerkToken())->Post(AReceipt(7));
  ASSERT_TRUE(posted.ok()) << posted.status();

  const HttpReply reply = CallJson("GET", "/v1/" + posted->name(), ClerkToken());

  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.headers.at("content-type"), "application/json");
  const Json movement = Json::parse(reply.body);
  EXPECT_EQ(movement["lines"][0]["baseQuantity"], "7");
  EXPECT_EQ(movement["lines"][0]["quantity"]["amount"], "7");
  EXPECT_EQ(movement["lines"][0]["quantity"]["unit"], "");
  EXPECT_EQ(movement["lines"][0]["line"], 1);
  EXPECT_EQ(movement["lines"][0]["source"]["state"], "SUPPLIER");
  EXPECT_EQ(movement["reversedBy"], "");
  EXPECT_FALSE(movement.contains("sourceDocument"));
}

TEST_F(JsonTest, NamesWhatItDoesNotKnow) {
  const std::string token = ClerkToken();

  const HttpReply field = CallJson("POST", "/v1/movements:post", token,
                                   R"({"reason": "RECEIVE", "lines": [{"lott": "x"}]})");
  const HttpReply parameter = CallJson("GET", "/v1/units/city/movements?pagesize=2", token);
  const HttpReply path = CallJson("GET", "/v1/units/city/movement", token);
  const HttpReply verb = CallJson("DELETE", "/v1/units/city/movements", token);
  const HttpReply value = CallJson("POST", "/v1/movements:post", token, R"({"reason": "RECIEVE"})");

  EXPECT_EQ(field.status, 400);
  EXPECT_THAT(field.body, HasSubstr("lott"));
  EXPECT_THAT(FieldsOf(field), ElementsAre(HasSubstr("lott")));
  EXPECT_EQ(parameter.status, 400);
  EXPECT_THAT(FieldsOf(parameter), ElementsAre("pagesize"));
  EXPECT_EQ(path.status, 404);
  EXPECT_EQ(ReasonOf(path), "PATH_UNKNOWN");
  EXPECT_THAT(path.body, HasSubstr("movements"));
  EXPECT_EQ(verb.status, 405);
  EXPECT_EQ(verb.headers.at("allow"), "GET");
  EXPECT_EQ(value.status, 400);
  EXPECT_THAT(value.body, HasSubstr("RECIEVE"));
}

TEST_F(JsonTest, GivesEveryErrorItsHttpStatus) {
  const std::string token = ClerkToken();
  const std::string elsewhere = TokenOf("west", {"approver@units/west"});
  std::string json = R"({"reason": "CONSUME", "requestId": ")" + NewRequestId() +
                     R"(", "lines": [{"lot": "items/mask/lots/a", "quantity": {"amount": "1"},
      "source": {"location": "units/city/locations/depot", "state": "AVAILABLE"},
      "destination": {"location": "units/city/locations/depot", "state": "CONSUMED"}}]})";

  const HttpReply denied = CallJson("POST", "/v1/movements:post", elsewhere, json);
  const HttpReply unknown = CallJson("GET", "/v1/movements/" + NewRequestId(), token);
  const HttpReply nobody = CallJson("GET", "/v1/movements/" + NewRequestId(), "");

  EXPECT_EQ(denied.status, 403) << denied.body;
  EXPECT_EQ(ReasonOf(denied), "PERMISSION_DENIED");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(ReasonOf(unknown), "MOVEMENT_NOT_FOUND");
  EXPECT_EQ(Json::parse(unknown.body)["code"], 5);
  EXPECT_EQ(nobody.status, 401);
  EXPECT_EQ(nobody.headers.at("www-authenticate"), "Bearer");
  ASSERT_EQ(MakeGrpcDoor(token)->Post(AReceipt(5)).status(), absl::OkStatus());
  EXPECT_EQ(CallJson("POST", "/v1/movements:post", token, json).status, 200);
  json.replace(json.find(R"("1")"), 3, R"("2")");
  const HttpReply reused = CallJson("POST", "/v1/movements:post", token, json);
  EXPECT_EQ(reused.status, 409);
  EXPECT_EQ(ReasonOf(reused), "REQUEST_ID_REUSED");
}

// Goal: an operator finds one call in both programs' logs by one number, the caller's own.
TEST_F(JsonTest, TraceIdsJoinUp) {
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";

  const HttpReply reply =
      CallJson("GET", "/v1/movements/" + NewRequestId(), ClerkToken(), "",
               {{"traceparent", absl::StrCat("00-", trace, "-00f067aa0ba902b7-01")}});

  EXPECT_EQ(reply.headers.at("x-request-id"), trace);
  const auto find_call = [&](const std::string& program, const std::string& message) {
    Json found;
    WaitUntil(absl::Now() + absl::Seconds(10), [&] {
      std::istringstream lines(LogOf(program));
      for (std::string line; std::getline(lines, line);) {
        const Json json = Json::parse(line, nullptr, false);
        if (json.is_object() && json.value("message", "") == message &&
            json.value("trace_id", "") == trace) {
          found = json;
        }
      }
      return !found.is_null();
    });
    return found;
  };
  const Json edge = find_call("gateway", "edge call");
  const Json call = find_call("inventory-svc", "call");
  ASSERT_FALSE(edge.is_null());
  ASSERT_FALSE(call.is_null());
  const std::string method = "quartermaster.inventory.v1.Ledger/GetMovement";
  EXPECT_EQ(edge["method"], method);
  EXPECT_EQ(edge["protocol"], "http");
  EXPECT_EQ(call["method"], method);
  for (const Json& line : {edge, call}) {
    EXPECT_EQ(line["caller"], "persons/clerk");
    EXPECT_EQ(line["code"], "NOT_FOUND");
  }
  EXPECT_NE(call["span_id"], "00f067aa0ba902b7");
}

}  // namespace
}  // namespace quartermaster::testing
