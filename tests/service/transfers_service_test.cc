#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "quartermaster/inventory/v1/transfers.grpc.pb.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Stub = v1::Transfers::Stub;

// May do everything with transfers, everywhere.
constexpr char kOfficer[] = "persons/officer";
constexpr char kOther[] = "persons/other-officer";
constexpr char kThird[] = "persons/third-officer";
// Sends from the east; signs in the west.
constexpr char kSender[] = "persons/sender";
constexpr char kSigner[] = "persons/signer";
// May do everything with transfers, at neither end.
constexpr char kBystander[] = "persons/bystander";

const std::vector<std::string> kAll = {"transfers.create",   "transfers.read",
                                       "transfers.dispatch", "transfers.receive",
                                       "transfers.resolve",  "units.read"};

class TransfersTest : public LedgerTest {
 protected:
  TransfersTest() {
    FakeAuthenticator& people = server_->authenticator();
    for (const char* name : {kOfficer, kOther, kThird}) people.Grant(name, "units/city", kAll);
    people.Grant(kSender, "units/east", kAll);
    people.Grant(kSender, "units/west", {"units.read"});
    people.Grant(kSigner, "units/west", kAll);
    MakeUnit("aside", "units/city");
    people.Grant(kBystander, "units/aside", kAll);
    MustPost(AReceipt(1000));
  }

  static v1::CreateTransferRequest ADraft(int64_t amount, const std::string& unit = "",
                                          const std::string& lot = kMasks) {
    v1::CreateTransferRequest request;
    request.set_source(kDepot);
    request.set_destination(kRoom);
    v1::TransferLine& line = *request.add_lines();
    line.set_lot(lot);
    line.mutable_quantity()->set_amount(amount);
    line.mutable_quantity()->set_unit(unit);
    request.set_request_id(NewRequestId());
    return request;
  }
  template <typename Request>
  static Request AStep(const v1::Transfer& transfer) {
    Request request;
    request.set_name(transfer.name());
    request.set_etag(transfer.etag());
    request.set_request_id(NewRequestId());
    return request;
  }
  static v1::ConfirmTransferReceiptRequest AReceiptOf(const v1::Transfer& transfer,
                                                      int64_t accepted, int64_t damaged,
                                                      int64_t missing) {
    auto request = AStep<v1::ConfirmTransferReceiptRequest>(transfer);
    v1::ReceiptLine& line = *request.add_lines();
    line.set_line(1);
    line.set_accepted(accepted);
    line.set_damaged(damaged);
    line.set_short_(missing);
    return request;
  }
  static v1::ResolveTransferVarianceRequest AResolution(const v1::Transfer& transfer, int64_t found,
                                                        int64_t returned, int64_t lost) {
    auto request = AStep<v1::ResolveTransferVarianceRequest>(transfer);
    v1::VarianceLine& line = *request.add_lines();
    line.set_line(1);
    line.set_found(found);
    line.set_returned(returned);
    line.set_lost(lost);
    request.set_note("少了几箱");
    return request;
  }

  absl::StatusOr<v1::Transfer> Create(const v1::CreateTransferRequest& request,
                                      const std::string& caller = kOfficer) {
    return server_->Call(&Stub::CreateTransfer, request, caller);
  }
  absl::StatusOr<v1::Transfer> Dispatch(const v1::DispatchTransferRequest& request,
                                        const std::string& caller = kOfficer) {
    return server_->Call(&Stub::DispatchTransfer, request, caller);
  }
  absl::StatusOr<v1::Transfer> Confirm(const v1::ConfirmTransferReceiptRequest& request,
                                       const std::string& caller = kOther) {
    return server_->Call(&Stub::ConfirmTransferReceipt, request, caller);
  }
  absl::StatusOr<v1::Transfer> Resolve(const v1::ResolveTransferVarianceRequest& request,
                                       const std::string& caller = kThird) {
    return server_->Call(&Stub::ResolveTransferVariance, request, caller);
  }
  absl::StatusOr<v1::Transfer> Cancel(const v1::CancelTransferRequest& request,
                                      const std::string& caller = kOfficer) {
    return server_->Call(&Stub::CancelTransfer, request, caller);
  }
  absl::StatusOr<v1::Transfer> Get(const std::string& name, const std::string& caller = kOfficer) {
    v1::GetTransferRequest request;
    request.set_name(name);
    return server_->Call(&Stub::GetTransfer, request, caller);
  }
  std::vector<std::string> List(const std::string& unit, const std::string& caller,
                                bool is_waiting = false) {
    v1::ListTransfersRequest request;
    request.set_unit(unit);
    request.set_waiting_for_me(is_waiting);
    const auto page = server_->Call(&Stub::ListTransfers, request, caller);
    EXPECT_TRUE(page.ok()) << page.status();
    std::vector<std::string> names;
    if (page.ok()) {
      for (const v1::Transfer& transfer : page->transfers()) names.push_back(transfer.name());
    }
    return names;
  }

  // From now on masks may only rest in a store for flammables.
  void MakeMasksBurn() {
    v1::GetItemRequest get;
    get.set_name("items/mask");
    v1::UpdateItemRequest update;
    *update.mutable_item() =
        server_->Call(&v1::Catalog::Stub::GetItem, get, kAdmin).value_or(v1::Item());
    update.mutable_item()->set_hazard(v1::FLAMMABLE);
    update.set_request_id(NewRequestId());
    EXPECT_EQ(Outcome(server_->Call(&v1::Catalog::Stub::UpdateItem, update, kAdmin)), "OK");
  }

  // Makes what must succeed.
  v1::Transfer Draft(int64_t amount, const std::string& unit = "",
                     const std::string& lot = kMasks) {
    const auto made = Create(ADraft(amount, unit, lot));
    EXPECT_TRUE(made.ok()) << made.status();
    return made.value_or(v1::Transfer());
  }
  v1::Transfer OnTheWay(int64_t amount) {
    const auto sent = Dispatch(AStep<v1::DispatchTransferRequest>(Draft(amount)));
    EXPECT_TRUE(sent.ok()) << sent.status();
    return sent.value_or(v1::Transfer());
  }
  v1::Transfer Short(int64_t amount, int64_t missing) {
    const auto got = Confirm(AReceiptOf(OnTheWay(amount), amount - missing, 0, missing));
    EXPECT_TRUE(got.ok()) << got.status();
    return got.value_or(v1::Transfer());
  }
};

TEST_F(TransfersTest, GoodsGoFromShelfToRoadToShelf) {
  const auto draft = Create(ADraft(2, "box"), kSender);
  ASSERT_TRUE(draft.ok()) << draft.status();
  EXPECT_EQ(draft->state(), v1::DRAFT);
  EXPECT_EQ(draft->creator(), kSender);
  EXPECT_EQ(draft->lines(0).base_quantity(), 100);
  EXPECT_EQ(draft->lines(0).quantity().amount(), 2);
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 1000);

  auto dispatch = AStep<v1::DispatchTransferRequest>(*draft);
  dispatch.set_waybill("SF-1024");
  const auto sent = Dispatch(dispatch, kSender);
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->state(), v1::ON_THE_WAY);
  EXPECT_EQ(sent->dispatcher(), kSender);
  EXPECT_EQ(sent->waybill(), "SF-1024");
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 900);
  EXPECT_EQ(Holds(kRoom, v1::IN_TRANSIT), 100);

  const auto got = Confirm(AStep<v1::ConfirmTransferReceiptRequest>(*sent), kSigner);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->state(), v1::CLOSED);
  EXPECT_EQ(got->receiver(), kSigner);
  EXPECT_EQ(got->lines(0).accepted(), 100);
  EXPECT_EQ(Holds(kRoom, v1::IN_TRANSIT), 0);
  EXPECT_EQ(Holds(kRoom, v1::AVAILABLE), 100);
  ASSERT_EQ(got->movements_size(), 2);
  const auto movement = GetMovement(got->movements(1));
  EXPECT_EQ(movement->document(), got->name());
  EXPECT_EQ(movement->reason(), v1::ARRIVE);
  EXPECT_EQ(Get(got->name())->SerializeAsString(), got->SerializeAsString());
}

TEST_F(TransfersTest, WhatIsDamagedGoesToQuarantineAndWhatIsShortStaysOnTheRoad) {
  const auto got = Confirm(AReceiptOf(OnTheWay(100), 60, 10, 30));

  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->state(), v1::PARTIALLY_RECEIVED);
  EXPECT_EQ(got->lines(0).damaged(), 10);
  EXPECT_EQ(got->lines(0).short_(), 30);
  EXPECT_EQ(Holds(kRoom, v1::AVAILABLE), 60);
  EXPECT_EQ(Holds(kRoom, v1::QUARANTINE), 10);
  EXPECT_EQ(Holds(kRoom, v1::IN_TRANSIT), 30);
}

TEST_F(TransfersTest, AVarianceIsFoundReturnedOrLostAndTheRoadIsEmpty) {
  const auto closed = Resolve(AResolution(Short(100, 30), 5, 15, 10));

  ASSERT_TRUE(closed.ok()) << closed.status();
  EXPECT_EQ(closed->state(), v1::CLOSED);
  EXPECT_EQ(Holds(kRoom, v1::AVAILABLE), 75);
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 915);
  EXPECT_EQ(Holds(kRoom, v1::IN_TRANSIT), 0);
  EXPECT_EQ(Holds(kRoom, v1::LOST), 10);
  EXPECT_EQ(GetMovement(closed->movements(2))->note(), "少了几箱");
}

TEST_F(TransfersTest, NothingArrivedAndAllIsLost) {
  const auto got = Confirm(AReceiptOf(OnTheWay(100), 0, 0, 100));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->movements_size(), 1);

  EXPECT_EQ(Outcome(Resolve(AResolution(*got, 0, 0, 100))), "OK");

  EXPECT_EQ(Holds(kRoom, v1::IN_TRANSIT), 0);
}

TEST_F(TransfersTest, CreateFailsInTheDocumentedOrder) {
  const v1::CreateTransferRequest earlier = ADraft(1);
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
  request.mutable_lines(0)->set_lost(10);
  EXPECT_EQ(Outcome(Resolve(request)), "OK");
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

// Goal: a step repeated after the transfer has gone on is answered as it was, and moves nothing.
TEST_F(TransfersTest, ARepeatedStepGetsTheFirstAnswer) {
  const v1::CreateTransferRequest create = ADraft(100);
  const auto draft = Create(create);
  const auto dispatch = AStep<v1::DispatchTransferRequest>(*draft);
  const auto sent = Dispatch(dispatch);
  const v1::ConfirmTransferReceiptRequest confirm = AReceiptOf(*sent, 90, 0, 10);
  const auto got = Confirm(confirm);
  const v1::ResolveTransferVarianceRequest resolve = AResolution(*got, 10, 0, 0);
  const auto closed = Resolve(resolve);
  const int64_t records = Count("records");

  EXPECT_EQ(Create(create)->SerializeAsString(), draft->SerializeAsString());
  EXPECT_EQ(Dispatch(dispatch)->SerializeAsString(), sent->SerializeAsString());
  EXPECT_EQ(Confirm(confirm)->SerializeAsString(), got->SerializeAsString());
  EXPECT_EQ(Resolve(resolve)->SerializeAsString(), closed->SerializeAsString());

  EXPECT_EQ(Count("records"), records);
  EXPECT_EQ(Holds(kRoom, v1::AVAILABLE), 100);
}

TEST_F(TransfersTest, ARepeatedStepIsRefusedToWhoLostTheGrant) {
  const auto dispatch = AStep<v1::DispatchTransferRequest>(Draft(100));
  ASSERT_EQ(Outcome(Dispatch(dispatch, kSender)), "OK");
  server_->authenticator().Revoke(kSender);
  server_->authenticator().Grant(kSender, "units/aside", kAll);

  EXPECT_EQ(Outcome(Dispatch(dispatch, kSender)), "NOT_FOUND TRANSFER_NOT_FOUND");
}

// Goal: what was written as two boxes stays what two boxes were that day.
TEST_F(TransfersTest, APackThatChangesAfterTheDraftChangesNothing) {
  v1::DeclarePackRequest pack;
  pack.set_item("items/mask");
  pack.mutable_pack()->set_pack("carton");
  pack.mutable_pack()->mutable_content()->set_amount(60);
  pack.set_request_id(NewRequestId());
  ASSERT_EQ(Outcome(server_->Call(&v1::Catalog::Stub::DeclarePack, pack, kAdmin)), "OK");
  const v1::Transfer draft = Draft(2, "carton");
  pack.mutable_pack()->mutable_content()->set_amount(40);
  pack.set_request_id(NewRequestId());
  ASSERT_EQ(Outcome(server_->Call(&v1::Catalog::Stub::DeclarePack, pack, kAdmin)), "OK");

  const auto sent = Dispatch(AStep<v1::DispatchTransferRequest>(draft));

  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(Holds(kRoom, v1::IN_TRANSIT), 120);
  const auto got = Confirm(AStep<v1::ConfirmTransferReceiptRequest>(*sent));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->lines(0).accepted(), 120);
  EXPECT_EQ(Holds(kRoom, v1::IN_TRANSIT), 0);
}

TEST_F(TransfersTest, AMovementOfATransferIsUndoneByTheTransferAlone) {
  const v1::Transfer sent = OnTheWay(100);

  EXPECT_EQ(Outcome(Reverse(AReversal(sent.movements(0)))),
            "FAILED_PRECONDITION OWNED_BY_DOCUMENT");
}

TEST_F(TransfersTest, ListShowsBothEndsNewestFirst) {
  const std::string first = Draft(1).name();
  const std::string second = Draft(2).name();

  EXPECT_THAT(List("units/east", kSender), ElementsAre(second, first));
  EXPECT_THAT(List("units/west", kSigner), ElementsAre(second, first));
  EXPECT_THAT(List("units/city", kOfficer), ElementsAre(second, first));
  EXPECT_THAT(List("units/aside", kOfficer), IsEmpty());
  v1::ListTransfersRequest request;
  request.set_unit("east");
  request.set_page_size(-1);
  request.set_page_token("x");
  EXPECT_THAT(ViolatedFields(server_->Call(&Stub::ListTransfers, request, kSender)),
              UnorderedElementsAre("unit", "page_size", "page_token"));
  request = {};
  request.set_unit("units/west");
  EXPECT_EQ(Outcome(server_->Call(&Stub::ListTransfers, request, kSender)),
            "PERMISSION_DENIED PERMISSION_DENIED");
}

TEST_F(TransfersTest, ListPagesToTheEndWithoutGapOrRepetition) {
  std::vector<std::string> made;
  for (int i = 0; i < 5; ++i) made.insert(made.begin(), Draft(1).name());
  std::vector<std::string> names;
  v1::ListTransfersRequest request;
  request.set_unit("units/city");
  request.set_page_size(2);
  do {
    const auto page = server_->Call(&Stub::ListTransfers, request, kOfficer);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Transfer& transfer : page->transfers()) names.push_back(transfer.name());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());

  EXPECT_EQ(names, made);
}

// Goal: each sees what they could do next, and not what only another may do.
TEST_F(TransfersTest, WhatWaitsIsShownToWhoMayDoIt) {
  const v1::Transfer draft = Draft(100);
  EXPECT_THAT(List("units/city", kOfficer, true), ElementsAre(draft.name()));
  EXPECT_THAT(List("units/west", kSigner, true), IsEmpty());

  const auto sent = Dispatch(AStep<v1::DispatchTransferRequest>(draft), kSender);
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_THAT(List("units/west", kSigner, true), ElementsAre(draft.name()));
  EXPECT_THAT(List("units/east", kSender, true), IsEmpty());
  EXPECT_THAT(List("units/city", kOfficer, true), ElementsAre(draft.name()));

  const auto got = Confirm(AReceiptOf(*sent, 90, 0, 10), kSigner);
  ASSERT_TRUE(got.ok()) << got.status();
  // It takes both ends, and neither who sent nor who signed.
  EXPECT_THAT(List("units/west", kSigner, true), IsEmpty());
  EXPECT_THAT(List("units/city", kOfficer, true), ElementsAre(draft.name()));
  // What waits is told of the unit asked for alone.
  EXPECT_THAT(List("units/aside", kOfficer, true), IsEmpty());
  ASSERT_EQ(Outcome(Resolve(AResolution(*got, 10, 0, 0))), "OK");
  EXPECT_THAT(List("units/city", kOfficer, true), IsEmpty());
  EXPECT_EQ(Count("document_tasks"), 0);
}

TEST_F(TransfersTest, WhatWaitsIsPagedToo) {
  std::vector<std::string> made;
  for (int i = 0; i < 3; ++i) made.insert(made.begin(), Draft(1).name());
  ASSERT_EQ(Outcome(Cancel(AStep<v1::CancelTransferRequest>(Draft(1)))), "OK");
  std::vector<std::string> names;
  v1::ListTransfersRequest request;
  request.set_unit("units/west");
  request.set_waiting_for_me(true);
  request.set_page_size(2);
  do {
    const auto page = server_->Call(&Stub::ListTransfers, request, kOfficer);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Transfer& transfer : page->transfers()) names.push_back(transfer.name());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());

  EXPECT_EQ(names, made);
}

// Goal: a transfer is signed for once, and twins of one request are one step.
// Method: rounds in which two people sign at once and a third repeats the first one's request.
TEST_F(TransfersTest, SigningAtOnceIsOneReceipt) {
  for (int round = 0; round < 8; ++round) {
    const v1::Transfer sent = OnTheWay(10);
    const auto mine = AStep<v1::ConfirmTransferReceiptRequest>(sent);
    const auto theirs = AStep<v1::ConfirmTransferReceiptRequest>(sent);
    std::string outcomes[3];
    std::thread threads[] = {std::thread([&] { outcomes[0] = Outcome(Confirm(mine, kOther)); }),
                             std::thread([&] { outcomes[1] = Outcome(Confirm(theirs, kThird)); }),
                             std::thread([&] { outcomes[2] = Outcome(Confirm(mine, kOther)); })};
    for (std::thread& thread : threads) thread.join();

    EXPECT_EQ(outcomes[0], outcomes[2]);
    EXPECT_NE(outcomes[0], outcomes[1]);
    EXPECT_THAT((std::vector<std::string>{outcomes[0], outcomes[1]}),
                UnorderedElementsAre("OK", "ABORTED ETAG_MISMATCH"));
  }
  EXPECT_EQ(Holds(kRoom, v1::AVAILABLE), 80);
  EXPECT_EQ(Holds(kRoom, v1::IN_TRANSIT), 0);
}

// Goal: the last pieces leave by one of two transfers.
TEST_F(TransfersTest, DispatchingTheLastPiecesAtOnceLeavesOneBehind) {
  const auto first = AStep<v1::DispatchTransferRequest>(Draft(600));
  const auto second = AStep<v1::DispatchTransferRequest>(Draft(600));
  std::string outcomes[2];
  std::thread one([&] { outcomes[0] = Outcome(Dispatch(first, kOfficer)); });
  std::thread two([&] { outcomes[1] = Outcome(Dispatch(second, kOther)); });
  one.join();
  two.join();

  EXPECT_THAT(outcomes, UnorderedElementsAre("OK", "FAILED_PRECONDITION INSUFFICIENT_STOCK"));
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 400);
}

}  // namespace
}  // namespace quartermaster::testing
