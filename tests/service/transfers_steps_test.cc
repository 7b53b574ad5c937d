// What dispatch, receipt and resolution do to the goods, repeated and at once.

#include <thread>

#include "tests/service/transfers_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::UnorderedElementsAre;

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
