// Ledger.BatchPostMovements.

#include "absl/strings/ascii.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using BatchPostMovementsTest = LedgerTest;

TEST_F(BatchPostMovementsTest, FailsInTheDocumentedOrder) {
  v1::BatchPostMovementsRequest request;
  const auto post = [&](const std::string& caller) {
    return server_->Call(&LedgerStub::BatchPostMovements, request, caller);
  };

  EXPECT_EQ(Outcome(post("")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(post(kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(post(kClerk)), ElementsAre("requests"));
  for (int i = 0; i < 101; ++i) *request.add_requests() = AReceipt(1);
  EXPECT_THAT(ViolatedFields(post(kClerk)), ElementsAre("requests"));
  request.mutable_requests()->RemoveLast();
  request.mutable_requests(1)->set_request_id(request.requests(0).request_id());
  // The same id in capitals is the same id.
  std::string capitals = "ABCDEFAB-0000-4000-8000-000000000000";
  request.mutable_requests(2)->set_request_id(capitals);
  request.mutable_requests(3)->set_request_id(absl::AsciiStrToLower(capitals));
  EXPECT_THAT(ViolatedFields(post(kClerk)),
              ElementsAre("requests[1].request_id", "requests[3].request_id"));
  EXPECT_EQ(Count("movements"), 0);
  request.mutable_requests(1)->set_request_id(NewRequestId());
  request.mutable_requests(3)->set_request_id(NewRequestId());
  EXPECT_EQ(Outcome(post(kClerk)), "OK");
  EXPECT_EQ(Count("movements"), 100);
}

// Goal: what was posted is answered whole: an answer too long for the wire would pass for a
// refusal.
TEST_F(BatchPostMovementsTest, TakesNoMoreLinesThanAnAnswerMayHave) {
  v1::BatchPostMovementsRequest request;
  for (int i = 0; i < 10; ++i) {
    v1::PostMovementRequest& one = *request.add_requests();
    one = AReceipt(1);
    for (int line = 1; line < 500; ++line) *one.add_lines() = one.lines(0);
  }
  v1::BatchPostMovementsRequest longer = request;
  *longer.add_requests() = AReceipt(1);

  EXPECT_THAT(ViolatedFields(server_->Call(&LedgerStub::BatchPostMovements, longer, kClerk)),
              ElementsAre("requests"));
  EXPECT_EQ(Count("movements"), 0);
  const auto batch = server_->Call(&LedgerStub::BatchPostMovements, request, kClerk);
  ASSERT_TRUE(batch.ok()) << batch.status();
  for (const auto& result : batch->results()) EXPECT_EQ(result.movement().lines_size(), 500);
  EXPECT_EQ(Count("movements"), 10);
}

// Goal: each movement of a batch stands for itself: posted, replayed or refused as if alone.
TEST_F(BatchPostMovementsTest, EachStandsForItself) {
  const v1::PostMovementRequest earlier = AReceipt(10);
  const auto first = Post(earlier, kEast);
  v1::BatchPostMovementsRequest request;
  *request.add_requests() = AConsumption(4);
  *request.add_requests() = AConsumption(7);
  *request.add_requests() = earlier;
  *request.add_requests() = AReceipt(1, kRoom);
  *request.add_requests() = v1::PostMovementRequest();
  *request.add_requests() = v1::PostMovementRequest();
  *request.add_requests() = AConsumption(6);

  const auto batch = server_->Call(&LedgerStub::BatchPostMovements, request, kEast);

  ASSERT_TRUE(batch.ok()) << batch.status();
  ASSERT_EQ(batch->results_size(), 7);
  std::vector<int> codes;
  for (const auto& result : batch->results()) {
    codes.push_back(result.error().code());
    EXPECT_NE(result.has_movement(), result.has_error());
  }
  constexpr int kOk = 0, kInvalid = 3, kDenied = 7, kPrecondition = 9;
  EXPECT_THAT(codes, ElementsAre(kOk, kPrecondition, kOk, kDenied, kInvalid, kInvalid, kOk));
  EXPECT_EQ(batch->results(2).movement().SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 0);
  // The error is the one that the movement alone would get, details and all.
  const auto& error = batch->results(1).error();
  ASSERT_GE(error.details_size(), 1);
  EXPECT_THAT(error.details(0).value(), HasSubstr("INSUFFICIENT_STOCK"));
  EXPECT_THAT(error.message(), HasSubstr("cannot take 7 of items/mask/lots/m1"));
  EXPECT_THAT(batch->results(4).error().message(), HasSubstr("reason: "));
}

TEST_F(BatchPostMovementsTest, ARepeatedBatchChangesNothing) {
  v1::BatchPostMovementsRequest request;
  for (int i = 1; i <= 5; ++i) *request.add_requests() = AReceipt(i);
  const auto first = server_->Call(&LedgerStub::BatchPostMovements, request, kEast);
  ASSERT_TRUE(first.ok()) << first.status();

  const auto second = server_->Call(&LedgerStub::BatchPostMovements, request, kEast);

  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 15);
}

}  // namespace
}  // namespace quartermaster::testing
