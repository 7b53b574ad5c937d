// How Transfers.DispatchTransfer, ConfirmTransferReceipt and ResolveTransferVariance refuse.

#include "absl/strings/str_cat.h"
#include "tests/service/transfers_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST_F(TransfersTest, DispatchFailsInTheDocumentedOrder) {
  const v1::CreateTransferRequest earlier = ADraft(1);
  ASSERT_TRUE(Create(earlier).ok());
  const v1::Transfer draft = Draft(2000);
  v1::DispatchTransferRequest request;
  request.set_waybill(std::string(65, 'w'));

  EXPECT_EQ(Outcome(Dispatch(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Dispatch(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(Dispatch(request)),
              UnorderedElementsAre("name", "etag", "waybill", "request_id"));
  request = AStep<v1::DispatchTransferRequest>(draft);
  request.set_name(absl::StrCat("transfers/", kUnusedUuid));
  request.set_etag("v77");
  request.set_request_id(earlier.request_id());
  EXPECT_EQ(Outcome(Dispatch(request)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.set_request_id(NewRequestId());
  EXPECT_EQ(Outcome(Dispatch(request)), "NOT_FOUND TRANSFER_NOT_FOUND");
  request.set_name(draft.name());
  EXPECT_EQ(Outcome(Dispatch(request, kBystander)), "NOT_FOUND TRANSFER_NOT_FOUND");
  EXPECT_EQ(Outcome(Dispatch(request, kSigner)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Dispatch(request)), "ABORTED ETAG_MISMATCH");
  request.set_etag(draft.etag());
  const auto lacking = Dispatch(request);
  EXPECT_EQ(Outcome(lacking), "FAILED_PRECONDITION INSUFFICIENT_STOCK");
  EXPECT_EQ(Metadata(lacking, "wanted"), "2000");
  EXPECT_EQ(Metadata(lacking, "available"), "1000");
  MustPost(AReceipt(1000));
  EXPECT_EQ(Outcome(Dispatch(request)), "OK");
  request = AStep<v1::DispatchTransferRequest>(*Get(draft.name()));
  const auto again = Dispatch(request);
  EXPECT_EQ(Outcome(again), "FAILED_PRECONDITION STATE_NOT_ALLOWED");
  EXPECT_EQ(Metadata(again, "state"), "ON_THE_WAY");
  EXPECT_EQ(Metadata(again, "verb"), "DispatchTransfer");
}

TEST_F(TransfersTest, ConfirmFailsInTheDocumentedOrder) {
  const v1::CreateTransferRequest earlier = ADraft(1);
  ASSERT_TRUE(Create(earlier).ok());
  const v1::Transfer draft = Draft(100);
  v1::ConfirmTransferReceiptRequest request;
  request.add_lines()->set_accepted(-1);
  request.add_lines();

  EXPECT_EQ(Outcome(Confirm(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Confirm(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Confirm(request)), "INVALID_ARGUMENT INVALID_FIELD");
  request = AReceiptOf(draft, 99, 0, 0);
  request.set_name(absl::StrCat("transfers/", kUnusedUuid));
  request.set_etag("v77");
  request.set_request_id(earlier.request_id());
  // As the one who wrote the earlier request, and who will dispatch.
  EXPECT_EQ(Outcome(Confirm(request, kOfficer)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.set_request_id(NewRequestId());
  EXPECT_EQ(Outcome(Confirm(request, kOfficer)), "NOT_FOUND TRANSFER_NOT_FOUND");
  request.set_name(draft.name());
  EXPECT_EQ(Outcome(Confirm(request, kBystander)), "NOT_FOUND TRANSFER_NOT_FOUND");
  EXPECT_EQ(Outcome(Confirm(request, kSender)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Confirm(request, kOfficer)), "ABORTED ETAG_MISMATCH");
  request.set_etag(draft.etag());
  EXPECT_EQ(Outcome(Confirm(request, kOfficer)), "FAILED_PRECONDITION STATE_NOT_ALLOWED");
  request.set_etag(Dispatch(AStep<v1::DispatchTransferRequest>(draft))->etag());
  EXPECT_EQ(Outcome(Confirm(request, kOfficer)), "FAILED_PRECONDITION FOUR_EYES_REQUIRED");
  const auto mismatch = Confirm(request);
  EXPECT_EQ(Outcome(mismatch), "FAILED_PRECONDITION RECEIPT_LINE_MISMATCH");
  EXPECT_EQ(Metadata(mismatch, "line"), "1");
  EXPECT_EQ(Metadata(mismatch, "dispatched"), "100");
  EXPECT_EQ(Metadata(mismatch, "told"), "99");
  request.mutable_lines(0)->set_accepted(100);
  MakeMasksBurn();
  EXPECT_EQ(Outcome(Confirm(request)), "FAILED_PRECONDITION HAZARD_STORE_REQUIRED");
  EXPECT_EQ(Outcome(Confirm(AReceiptOf(*Get(draft.name()), 0, 0, 100))), "OK");
}

TEST_F(TransfersTest, EveryLineIsToldOfOnceAndNoOther) {
  const v1::Transfer sent = OnTheWay(100);
  v1::ConfirmTransferReceiptRequest other = AReceiptOf(sent, 100, 0, 0);
  v1::ReceiptLine& extra = *other.add_lines();
  extra.set_line(2);
  extra.set_accepted(1);
  EXPECT_EQ(Outcome(Confirm(other)), "FAILED_PRECONDITION RECEIPT_LINE_MISMATCH");
  other.mutable_lines(1)->set_line(1);
  EXPECT_THAT(ViolatedFields(Confirm(other)), ElementsAre("lines[1].line"));
  v1::ConfirmTransferReceiptRequest huge = AReceiptOf(sent, INT64_MAX, INT64_MAX, 102);
  EXPECT_EQ(Outcome(Confirm(huge)), "FAILED_PRECONDITION RECEIPT_LINE_MISMATCH");
}

TEST_F(TransfersTest, ResolveFailsInTheDocumentedOrder) {
  const v1::CreateTransferRequest earlier = ADraft(1);
  ASSERT_TRUE(Create(earlier).ok());
  const v1::Transfer sent = OnTheWay(100);
  v1::ResolveTransferVarianceRequest request;

  EXPECT_EQ(Outcome(Resolve(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Resolve(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(Resolve(request)),
              UnorderedElementsAre("name", "etag", "lines", "note", "request_id"));
  request = AResolution(sent, 0, 0, 1);
  request.set_name(absl::StrCat("transfers/", kUnusedUuid));
  request.set_etag("v77");
  request.set_request_id(earlier.request_id());
  EXPECT_EQ(Outcome(Resolve(request, kOfficer)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.set_request_id(NewRequestId());
  EXPECT_EQ(Outcome(Resolve(request, kOfficer)), "NOT_FOUND TRANSFER_NOT_FOUND");
  request.set_name(sent.name());
  EXPECT_EQ(Outcome(Resolve(request, kBystander)), "NOT_FOUND TRANSFER_NOT_FOUND");
  // Each covers one end; it takes both.
  EXPECT_EQ(Outcome(Resolve(request, kSender)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Resolve(request, kSigner)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Resolve(request, kOfficer)), "ABORTED ETAG_MISMATCH");
  request.set_etag(sent.etag());
  EXPECT_EQ(Outcome(Resolve(request, kOfficer)), "FAILED_PRECONDITION STATE_NOT_ALLOWED");
  request.set_etag(Confirm(AReceiptOf(sent, 90, 0, 10))->etag());
  EXPECT_EQ(Outcome(Resolve(request, kOfficer)), "FAILED_PRECONDITION FOUR_EYES_REQUIRED");
  EXPECT_EQ(Outcome(Resolve(request, kOther)), "FAILED_PRECONDITION FOUR_EYES_REQUIRED");
  EXPECT_EQ(Outcome(Resolve(request)), "FAILED_PRECONDITION RECEIPT_LINE_MISMATCH");
  MakeMasksBurn();
  request.mutable_lines(0)->set_lost(0);
  request.mutable_lines(0)->set_returned(10);
  const auto hazard = Resolve(request);
  EXPECT_EQ(Outcome(hazard), "FAILED_PRECONDITION HAZARD_STORE_REQUIRED");
  EXPECT_EQ(Metadata(hazard, "location"), kDepot);
  request.mutable_lines(0)->set_returned(0);
  request.mutable_lines(0)->set_lost(10);
  EXPECT_EQ(Outcome(Resolve(request)), "OK");
}

}  // namespace
}  // namespace quartermaster::testing
