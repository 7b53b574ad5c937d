#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "platform/rpc/status_codec.h"
#include "quartermaster/inventory/v1/ledger.grpc.pb.h"
#include "tests/harness/http_client.h"
#include "tests/harness/stack.h"

namespace quartermaster::testing {

namespace v1 = ::quartermaster::inventory::v1;

// One stack of real programs for all tests of this program, with a city in its books: a depot, a
// shelf, masks by the piece and the box, two lots.
Stack& SharedStack();

inline constexpr char kDepot[] = "units/city/locations/depot";
inline constexpr char kShelf[] = "units/city/locations/shelf";
inline constexpr char kMasks[] = "items/mask/lots/a";

// A UUID that nobody had before.
std::string NewRequestId();

// A token of the demo's issuer for these grants (`approver@units/city`), valid from a moment that
// lies `age` back, for `lifetime`.
std::string TokenOf(const std::string& subject, const std::vector<std::string>& grants,
                    absl::Duration age = absl::ZeroDuration(),
                    absl::Duration lifetime = absl::Hours(1));
// The token of one who may read, post and reverse in the whole city.
std::string ClerkToken(const std::string& subject = "clerk");

// Goods that come to the depot, or are used up there.
v1::PostMovementRequest AReceipt(int64_t amount, const std::string& location = kDepot);
v1::PostMovementRequest AConsumption(int64_t amount);

// One call through the gateway's gRPC port, with metadata besides.
template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> CallGateway(
    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
    const Request& request, const std::string& token,
    const std::vector<std::pair<std::string, std::string>>& metadata = {}) {
  Stub stub(SharedStack().ConnectToGateway());
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
  for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return rpc::FromGrpcStatus(status);
  return response;
}

// One JSON request to the gateway.
HttpReply CallJson(const std::string& method, const std::string& target, const std::string& token,
                   const std::string& body = "", HttpHeaders headers = {});

// The reason, or the fields, that a JSON error names.
std::string ReasonOf(const HttpReply& reply);
std::vector<std::string> FieldsOf(const HttpReply& reply);

// What a program has written to its log so far.
std::string LogOf(const std::string& program);

// What the books break of their promises, read from the tables.
std::vector<std::string> FindViolations();

// Each test leaves whole books and running programs behind.
class SuiteTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_THAT(FindViolations(), ::testing::IsEmpty()); }
};

}  // namespace quartermaster::testing
