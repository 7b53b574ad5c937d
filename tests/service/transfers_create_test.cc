// Transfers.CreateTransfer, GetTransfer and CancelTransfer.

#include "absl/strings/str_cat.h"
#include "tests/service/transfers_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST_F(TransfersTest, CreateFailsInTheDocumentedOrder) {
  v1::CreateTransferRequest earlier = ADraft(1);
  earlier.mutable_source_document()->set_issuer("supplies-desk");
  earlier.mutable_source_document()->set_number("DB-1");
  ASSERT_TRUE(Create(earlier).ok());
  v1::CreateTransferRequest request;
  request.set_source("units/east");
  request.set_destination("units/east");
  request.add_lines()->set_lot("items/mask");

  EXPECT_EQ(Outcome(Create(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Create(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(Create(request)),
              UnorderedElementsAre("source", "destination", "destination", "lines[0].lot",
                                   "lines[0].quantity.amount", "request_id"));
  request = ADraft(INT64_MAX, "crate", "items/mask/lots/ghost");
  request.set_destination("units/west/locations/ghost");
  request.set_request_id(earlier.request_id());
  *request.mutable_source_document() = earlier.source_document();
  EXPECT_EQ(Outcome(Create(request, kSigner)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Create(request)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.set_request_id(NewRequestId());
  EXPECT_EQ(Outcome(Create(request)), "NOT_FOUND LOCATION_NOT_FOUND");
  request.set_destination(kRoom);
  EXPECT_EQ(Outcome(Create(request)), "NOT_FOUND LOT_NOT_FOUND");
  request.mutable_lines(0)->set_lot(kMasks);
  EXPECT_EQ(Outcome(Create(request)), "FAILED_PRECONDITION UNIT_OF_MEASURE_UNKNOWN");
  request.mutable_lines(0)->mutable_quantity()->set_unit("box");
  EXPECT_EQ(Outcome(Create(request)), "FAILED_PRECONDITION QUANTITY_OVERFLOW");
  request.mutable_lines(0)->mutable_quantity()->set_amount(1);
  request.mutable_lines(0)->mutable_quantity()->clear_unit();
  request.mutable_lines(0)->set_lot(kAlcohol);
  EXPECT_EQ(Outcome(Create(request)), "FAILED_PRECONDITION HAZARD_STORE_REQUIRED");
  request.mutable_lines(0)->set_lot(kMasks);
  EXPECT_EQ(Outcome(Create(request)), "ALREADY_EXISTS SOURCE_DOCUMENT_POSTED");
  request.mutable_source_document()->set_line(1);
  EXPECT_EQ(Outcome(Create(request)), "OK");
}

// Goal: by drafts, nobody learns which places others have, or which lots.
TEST_F(TransfersTest, ADraftTellsNothingOfUnitsThatItsWriterMayNotRead) {
  server_->authenticator().Revoke(kSender);
  server_->authenticator().Grant(kSender, "units/east", kAll);
  const auto refusal = [&](const std::string& destination, const std::string& lot) {
    v1::CreateTransferRequest request = ADraft(1, "", lot);
    request.set_destination(destination);
    const auto answer = Create(request, kSender);
    return absl::StrCat(Outcome(answer), " ", std::string(answer.status().message()));
  };

  for (const char* unit : {"units/west", "units/ghost"}) {
    EXPECT_EQ(refusal(absl::StrCat(unit, "/locations/room"), kMasks),
              absl::StrCat("PERMISSION_DENIED PERMISSION_DENIED you need the permission units.read "
                           "for ",
                           unit, ", which none of your grants gives"));
  }
  ASSERT_EQ(Outcome(CreateLot(ACreateLot("items/mask", "w1", "units/west"))), "OK");
  for (const char* lot : {"items/mask/lots/w1", "items/mask/lots/ghost"}) {
    EXPECT_EQ(refusal(kShelf, lot), absl::StrCat("NOT_FOUND LOT_NOT_FOUND there is no ", lot,
                                                 "; create the lot before goods of it move"));
  }
  EXPECT_EQ(refusal(kShelf, kMasks), "OK ");
}

TEST_F(TransfersTest, ALotStandsInOneLineAndLinesAreBounded) {
  v1::CreateTransferRequest twice = ADraft(1);
  *twice.add_lines() = twice.lines(0);
  EXPECT_THAT(ViolatedFields(Create(twice)), ElementsAre("lines[1].lot"));
  v1::CreateTransferRequest none = ADraft(1);
  none.clear_lines();
  EXPECT_THAT(ViolatedFields(Create(none)), ElementsAre("lines"));
  v1::CreateTransferRequest many = ADraft(1);
  for (int i = 0; i < 200; ++i) *many.add_lines() = many.lines(0);
  EXPECT_THAT(ViolatedFields(Create(many)), ::testing::Contains("lines"));
}

TEST_F(TransfersTest, GetFailsInTheDocumentedOrder) {
  const std::string name = Draft(1).name();

  EXPECT_EQ(Outcome(Get("transfers/1", "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Get("transfers/1", kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Get("transfers/1")), "INVALID_ARGUMENT INVALID_FIELD");
  EXPECT_EQ(Outcome(Get(absl::StrCat("transfers/", kUnusedUuid))), "NOT_FOUND TRANSFER_NOT_FOUND");
  EXPECT_EQ(Outcome(Get(name, kBystander)), "NOT_FOUND TRANSFER_NOT_FOUND");
  EXPECT_EQ(Outcome(Get(name, kSender)), "OK");
  EXPECT_EQ(Outcome(Get(name, kSigner)), "OK");
}

TEST_F(TransfersTest, CancelFailsInTheDocumentedOrder) {
  const v1::CreateTransferRequest earlier = ADraft(1);
  ASSERT_TRUE(Create(earlier).ok());
  const v1::Transfer draft = Draft(100);
  v1::CancelTransferRequest request;

  EXPECT_EQ(Outcome(Cancel(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Cancel(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(Cancel(request)), UnorderedElementsAre("name", "etag", "request_id"));
  request = AStep<v1::CancelTransferRequest>(draft);
  request.set_name(absl::StrCat("transfers/", kUnusedUuid));
  request.set_etag("v77");
  request.set_request_id(earlier.request_id());
  EXPECT_EQ(Outcome(Cancel(request)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.set_request_id(NewRequestId());
  EXPECT_EQ(Outcome(Cancel(request)), "NOT_FOUND TRANSFER_NOT_FOUND");
  request.set_name(draft.name());
  EXPECT_EQ(Outcome(Cancel(request, kBystander)), "NOT_FOUND TRANSFER_NOT_FOUND");
  EXPECT_EQ(Outcome(Cancel(request, kSigner)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Cancel(request)), "ABORTED ETAG_MISMATCH");
  request.set_etag(draft.etag());
  const auto cancelled = Cancel(request);
  ASSERT_EQ(Outcome(cancelled), "OK");
  EXPECT_EQ(cancelled->state(), v1::CANCELLED);
  EXPECT_EQ(Outcome(Cancel(AStep<v1::CancelTransferRequest>(*cancelled))),
            "FAILED_PRECONDITION STATE_NOT_ALLOWED");
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 1000);
}

}  // namespace
}  // namespace quartermaster::testing
