#include "gateway/routes/json_api.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "gateway/testing/gateway_world.h"
#include "gateway/testing/raw_client.h"
#include "platform/status/error.h"
#include "platform/telemetry/trace.h"
#include "protos/api_files.h"

namespace quartermaster::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kMovement[] = R"({"reason": "CONSUME", "note": "早班", "requestId": "r", "lines": [
    {"lot": "items/n95-mask/lots/a", "quantity": {"amount": "9007199254740993", "unit": "box50"},
     "source": {"location": "units/city/locations/depot", "state": "AVAILABLE"},
     "destination": {"location": "units/city/locations/depot", "state": "CONSUMED"}}]})";

class JsonApiTest : public GatewayWorld {
 protected:
  HttpAnswer Post(absl::string_view body, absl::string_view type = "application/json") {
    return Http(
        "POST", "/v1/movements:post",
        absl::StrCat("Authorization: ", CustodianToken(), "\r\nContent-Type: ", type, "\r\n"),
        body);
  }
};

TEST_F(JsonApiTest, AnswersAReadByItsPath) {
  Start();
  const HttpAnswer answer = Api("GET", "/v1/units/qinghe");

  EXPECT_EQ(answer.status, 200) << answer.head << answer.body;
  EXPECT_THAT(answer.head, HasSubstr("Content-Type: application/json"));
  EXPECT_EQ(answer.json()["name"], "units/qinghe");
  EXPECT_EQ(answer.json()["title"]["zh"], "清河派出所");
  EXPECT_EQ(answer.json()["establishmentCount"], "0");
  EXPECT_EQ(answer.json()["kind"], "UNIT_KIND_UNSPECIFIED");
}

TEST_F(JsonApiTest, PostsABodyAndKeepsItsNumbersExact) {
  Start();
  const HttpAnswer answer = Post(kMovement);

  ASSERT_EQ(answer.status, 200) << answer.head << answer.body;
  const nlohmann::json movement = answer.json();
  EXPECT_EQ(movement["name"], "movements/posted");
  EXPECT_EQ(movement["lines"][0]["quantity"]["amount"], "9007199254740993");
  EXPECT_EQ(movement["note"], "早班");
  EXPECT_EQ(inventory_.last().metadata.count("qm-identity"), 1u);
  EXPECT_EQ(inventory_.last().metadata.count("authorization"), 0u);
}

TEST_F(JsonApiTest, CarriesTheTraceThrough) {
  Start();
  const base::TraceContext trace = telemetry::StartTrace();
  const HttpAnswer answer =
      Http("GET", "/v1/units/qinghe",
           absl::StrCat("Authorization: ", Token(),
                        "\r\ntraceparent: ", telemetry::RenderTraceparent(trace), "\r\n"));

  EXPECT_THAT(answer.head, HasSubstr(absl::StrCat("X-Request-Id: ", trace.trace_id)));
  EXPECT_THAT(inventory_.last().metadata.find("traceparent")->second, HasSubstr(trace.trace_id));
}

// Goal: each thing wrong with a request is told in the documented order.
// Method: a request with everything wrong, repaired from the top; each row must show the next
// error.
TEST_F(JsonApiTest, TellsErrorsInTheirOrder) {
  Start();
  const std::string good = absl::StrCat("Authorization: ", CustodianToken(), "\r\n");
  const std::string powerless = absl::StrCat("Authorization: ", TokenOf("hu", {}), "\r\n");
  const std::string json = "Content-Type: application/json\r\n";
  const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
  struct Row {
    std::string method, target, headers, body;
    int status;
    std::string reason;
  };
  const std::vector<Row> rows = {
      {"PUT", "/v1/%zz", form, "{", 401, "CREDENTIALS_INVALID"},
      {"PUT", "/v1/%zz", powerless + form, "{", 400, "PATH_MALFORMED"},
      {"PUT", "/v1/movement:post", powerless + form, "{", 404, "PATH_UNKNOWN"},
      {"PUT", "/v1/movements:post", powerless + form, "{", 405, "HTTP_METHOD_NOT_ALLOWED"},
      {"POST", "/v1/movements:post", powerless + form, "{", 403, "PERMISSION_DENIED"},
      {"POST", "/v1/movements:post", good + form, "{", 415, "CONTENT_TYPE_NOT_JSON"},
      {"POST", "/v1/movements:post", good + json, "{", 400, "MALFORMED_JSON"},
      {"POST", "/v1/movements:post?x=1", good + json, "{\"x\": 1}", 400, "INVALID_FIELD"},
      {"POST", "/v1/movements:post", good + json, "{\"x\": 1}", 400, "INVALID_FIELD"},
      {"POST", "/v1/movements:post", good + json, "{}", 200, ""},
  };
  for (const Row& row : rows) {
    const int calls_before = inventory_.call_count();
    const HttpAnswer answer = Http(row.method, row.target, row.headers, row.body);
    EXPECT_EQ(answer.status, row.status) << row.reason << "\n" << answer.head << answer.body;
    EXPECT_EQ(answer.reason(), row.reason) << answer.body;
    EXPECT_THAT(answer.head, HasSubstr("X-Request-Id: "));
    EXPECT_EQ(inventory_.call_count() - calls_before, row.status == 200 ? 1 : 0);
  }
}

TEST_F(JsonApiTest, NamesTheFieldTheRouteAndTheMethodThatWereMeant) {
  Start();
  EXPECT_THAT(Post(R"({"lines": [{"quantty": {}}]})").body,
              HasSubstr(R"("field":"lines[0].quantty")"));
  EXPECT_THAT(Post(R"({"lines": [{"quantty": {}}]})").body, HasSubstr("did you mean"));
  EXPECT_THAT(Api("GET", "/v1/unit").body, HasSubstr("GET /v1/units"));
  EXPECT_THAT(Api("DELETE", "/v1/units").head, HasSubstr("Allow: GET, POST"));
  EXPECT_THAT(Api("GET", "/v1/units?page_sise=1").body, HasSubstr("page_size"));
  EXPECT_THAT(Http("GET", "/v1/units", "").head, HasSubstr("WWW-Authenticate: Bearer"));
}

TEST_F(JsonApiTest, TurnsEachCodeIntoItsHttpStatus) {
  Start();
  const std::vector<std::pair<absl::StatusCode, int>> cases = {
      {absl::StatusCode::kInvalidArgument, 400}, {absl::StatusCode::kFailedPrecondition, 400},
      {absl::StatusCode::kUnauthenticated, 401}, {absl::StatusCode::kPermissionDenied, 403},
      {absl::StatusCode::kNotFound, 404},        {absl::StatusCode::kAlreadyExists, 409},
      {absl::StatusCode::kAborted, 409},         {absl::StatusCode::kResourceExhausted, 429},
      {absl::StatusCode::kInternal, 500},        {absl::StatusCode::kUnimplemented, 501},
      {absl::StatusCode::kUnavailable, 503},     {absl::StatusCode::kDeadlineExceeded, 504},
  };
  for (const auto& [code, http_status] : cases) {
    inventory_.FailWith(status::MakeError(code, "why", {.reason = "SOME_REASON"}));
    const HttpAnswer answer = Post("{}");
    EXPECT_EQ(answer.status, http_status) << answer.body;
    EXPECT_EQ(answer.json()["code"], static_cast<int>(code));
    EXPECT_EQ(answer.reason(), code == absl::StatusCode::kInternal ? "INTERNAL" : "SOME_REASON");
  }
}

TEST_F(JsonApiTest, TellsWhenToComeBack) {
  Start();
  inventory_.FailWith(status::Overloaded("too much", absl::Milliseconds(1500)));

  const HttpAnswer answer = Post("{}");

  EXPECT_EQ(answer.status, 429);
  EXPECT_THAT(answer.head, HasSubstr("Retry-After: 2\r\n"));
  EXPECT_THAT(answer.body, HasSubstr(R"("retryDelay":"1.500s")"));
}

TEST_F(JsonApiTest, CancelsWhatNobodyWaitsForAnyMore) {
  Start();
  inventory_.Hold();
  {
    RawClient client(gateway_->http_address());
    client.Send(absl::StrCat("GET /v1/units/qinghe HTTP/1.1\r\nHost: localhost\r\nAuthorization: ",
                             Token(), "\r\n\r\n"));
    ASSERT_TRUE(inventory_.AwaitCalls(1));
  }
  EXPECT_TRUE(inventory_.AwaitCancelled(1));
}

TEST_F(JsonApiTest, RefusesABodyThatIsTooLargeBeforeItIsRead) {
  options_.http.body_bytes_max = 2000;
  Start();
  const HttpAnswer answer = Post(absl::StrCat("{\"note\":\"", std::string(3000, 'x'), "\"}"));
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.reason(), "BODY_TOO_LARGE");
}

// But for streams, which need gRPC.
TEST_F(JsonApiTest, ServesEveryMethodOfEveryInterface) {
  Start();
  const absl::StatusOr<RouteTable> routes = RouteTable::Make(PublicInterfaces());
  ASSERT_TRUE(routes.ok()) << routes.status();
  const absl::StatusOr<GatewayMethods> methods = GatewayMethods::Make(PublicInterfaces());
  ASSERT_TRUE(methods.ok()) << methods.status();
  const auto is_stream = [](const auto& method) { return method->descriptor->server_streaming(); };
  const auto stream_count = std::ranges::count_if(methods->all(), is_stream);
  EXPECT_EQ(stream_count, 1);
  EXPECT_GE(routes->routes().size() + stream_count, methods->all().size());
}

TEST_F(JsonApiTest, HidesWhatIsOurFault) {
  Start();
  inventory_.FailWith(absl::InternalError("table balances is on fire"));
  const HttpAnswer answer = Post("{}");
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.body, Not(HasSubstr("balances")));
}

}  // namespace
}  // namespace quartermaster::gateway
