#include "tests/suite/doors.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_cat.h"
#include "google/rpc/status.pb.h"

namespace quartermaster::testing {
namespace {

using Stub = v1::Ledger::Stub;

class GrpcDoor final : public Door {
 public:
  explicit GrpcDoor(const std::string& token) : token_(token) {}

  absl::StatusOr<v1::Movement> Post(const v1::PostMovementRequest& request) override {
    return CallGateway(&Stub::PostMovement, request, token_);
  }
  absl::StatusOr<v1::Movement> Reverse(const v1::ReverseMovementRequest& request) override {
    return CallGateway(&Stub::ReverseMovement, request, token_);
  }
  absl::StatusOr<v1::BatchPostMovementsResponse> Batch(
      const v1::BatchPostMovementsRequest& request) override {
    return CallGateway(&Stub::BatchPostMovements, request, token_);
  }
  absl::StatusOr<v1::Movement> Get(const std::string& name) override {
    v1::GetMovementRequest request;
    request.set_name(name);
    return CallGateway(&Stub::GetMovement, request, token_);
  }
  absl::StatusOr<v1::ListMovementsResponse> List(const v1::ListMovementsRequest& request) override {
    return CallGateway(&Stub::ListMovements, request, token_);
  }

 private:
  const std::string token_;
};

// Writes and reads JSON with protobuf's own library, so that the gateway's is not tested against
// itself.
class JsonDoor final : public Door {
 public:
  explicit JsonDoor(const std::string& token) : token_(token) {}

  absl::StatusOr<v1::Movement> Post(const v1::PostMovementRequest& request) override {
    return Call<v1::Movement>("POST", "/v1/movements:post", &request);
  }
  absl::StatusOr<v1::Movement> Reverse(const v1::ReverseMovementRequest& request) override {
    v1::ReverseMovementRequest body = request;
    body.clear_name();
    return Call<v1::Movement>("POST", absl::StrCat("/v1/", request.name(), ":reverse"), &body);
  }
  absl::StatusOr<v1::BatchPostMovementsResponse> Batch(
      const v1::BatchPostMovementsRequest& request) override {
    return Call<v1::BatchPostMovementsResponse>("POST", "/v1/movements:batchPost", &request);
  }
  absl::StatusOr<v1::Movement> Get(const std::string& name) override {
    return Call<v1::Movement>("GET", "/v1/" + name, nullptr);
  }
  absl::StatusOr<v1::ListMovementsResponse> List(const v1::ListMovementsRequest& request) override {
    return Call<v1::ListMovementsResponse>(
        "GET",
        absl::StrCat("/v1/", request.unit(), "/movements?pageSize=", request.page_size(),
                     "&pageToken=", request.page_token()),
        nullptr);
  }

 private:
  template <typename Response>
  absl::StatusOr<Response> Call(const std::string& method, const std::string& target,
                                const google::protobuf::Message* body) {
    std::string json;
    if (body != nullptr) {
      EXPECT_TRUE(google::protobuf::util::MessageToJsonString(*body, &json).ok());
    }
    const HttpReply reply = CallJson(method, target, token_, json);
    if (reply.status == 0) return absl::UnavailableError(reply.body);
    if (reply.status != 200) {
      google::rpc::Status error;
      EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(reply.body, &error).ok())
          << reply.status << " " << reply.body;
      return rpc::FromGrpcStatus(grpc::Status(static_cast<grpc::StatusCode>(error.code()),
                                              error.message(), error.SerializeAsString()));
    }
    Response response;
    const auto parsed = google::protobuf::util::JsonStringToMessage(reply.body, &response);
    EXPECT_TRUE(parsed.ok()) << parsed.ToString() << reply.body;
    return response;
  }

  const std::string token_;
};

}  // namespace

std::unique_ptr<Door> MakeGrpcDoor(const std::string& token) {
  return std::make_unique<GrpcDoor>(token);
}
std::unique_ptr<Door> MakeJsonDoor(const std::string& token) {
  return std::make_unique<JsonDoor>(token);
}

}  // namespace quartermaster::testing
