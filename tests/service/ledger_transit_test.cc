// What the ledger shows and refuses of goods that a transfer has on the way.

#include "quartermaster/inventory/v1/transfers.grpc.pb.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;

// Thirty of a hundred masks are on the way from the depot of east to the room of west.
class TransitTest : public LedgerTest {
 protected:
  TransitTest() {
    server_->authenticator().Grant(
        kClerk, "units/city",
        {"transfers.create", "transfers.read", "transfers.dispatch", "units.read"});
    MustPost(AReceipt(100));
    v1::CreateTransferRequest create;
    create.set_source(kDepot);
    create.set_destination(kRoom);
    create.add_lines()->set_lot(kMasks);
    create.mutable_lines(0)->mutable_quantity()->set_amount(30);
    create.set_request_id(NewRequestId());
    const auto draft = server_->Call(&v1::Transfers::Stub::CreateTransfer, create, kClerk);
    EXPECT_TRUE(draft.ok()) << draft.status();
    v1::DispatchTransferRequest dispatch;
    dispatch.set_name(draft->name());
    dispatch.set_etag(draft->etag());
    dispatch.set_request_id(NewRequestId());
    const auto sent = server_->Call(&v1::Transfers::Stub::DispatchTransfer, dispatch, kClerk);
    EXPECT_TRUE(sent.ok()) << sent.status();
    transfer_ = sent->name();
    movement_ = sent->movements(0);
  }

  std::string transfer_;
  std::string movement_;
};

TEST_F(TransitTest, AMovementOfADocumentIsReversedByTheDocumentAlone) {
  // Who covers one end may see it and not undo it.
  EXPECT_EQ(Outcome(Reverse(AReversal(movement_), kWest)), "PERMISSION_DENIED PERMISSION_DENIED");

  const auto refused = Reverse(AReversal(movement_));

  EXPECT_EQ(Outcome(refused), "FAILED_PRECONDITION OWNED_BY_DOCUMENT");
  EXPECT_EQ(Metadata(refused, "movement"), movement_);
  EXPECT_EQ(Metadata(refused, "document"), transfer_);
}

TEST_F(TransitTest, BothEndsSeeTheMovementAndItsDocument) {
  for (const char* caller : {kEast, kWest}) {
    const auto seen = GetMovement(movement_, caller);

    ASSERT_TRUE(seen.ok()) << seen.status();
    EXPECT_EQ(seen->reason(), v1::DISPATCH);
    EXPECT_EQ(seen->document(), transfer_);
    EXPECT_EQ(seen->lines(0).source().location(), kDepot);
    EXPECT_EQ(seen->lines(0).source().holder(), "");
    EXPECT_EQ(seen->lines(0).destination().location(), kRoom);
    EXPECT_EQ(seen->lines(0).destination().state(), v1::IN_TRANSIT);
    EXPECT_EQ(seen->lines(0).destination().holder(), transfer_);
  }
}

TEST_F(TransitTest, GoodsOnTheWayBelongToTheDestination) {
  v1::SummarizeStockRequest summarize;
  summarize.set_unit("units/city");
  const auto summary = server_->Call(&LedgerStub::SummarizeStock, summarize, kClerk);
  v1::ListBalancesRequest list;
  list.set_unit("units/west");
  const auto balances = server_->Call(&LedgerStub::ListBalances, list, kWest);
  v1::GetLotRequest get_lot;
  get_lot.set_name(kMasks);

  ASSERT_TRUE(summary.ok()) << summary.status();
  ASSERT_EQ(summary->lines_size(), 2);
  EXPECT_EQ(summary->lines(0).unit(), "units/east");
  EXPECT_EQ(summary->lines(0).available(), 70);
  EXPECT_EQ(summary->lines(0).in_transit(), 0);
  EXPECT_EQ(summary->lines(1).unit(), "units/west");
  EXPECT_EQ(summary->lines(1).available(), 0);
  EXPECT_EQ(summary->lines(1).in_transit(), 30);
  ASSERT_TRUE(balances.ok()) << balances.status();
  ASSERT_EQ(balances->balances_size(), 1);
  EXPECT_EQ(balances->balances(0).account().holder(), transfer_);
  EXPECT_EQ(balances->balances(0).base_quantity(), 30);
  // East owns the lot; west sees it because some of it is coming.
  EXPECT_EQ(Outcome(server_->Call(&LedgerStub::GetLot, get_lot, kWest)), "OK");
}

// Goal: nobody takes from the road by hand, whatever reason they give.
TEST_F(TransitTest, GoodsOnTheWayMoveByTheirDocumentAlone) {
  for (const v1::MovementReason reason : {v1::CONSUME, v1::RELEASE, v1::WRITE_OFF, v1::SEND_BACK}) {
    EXPECT_EQ(
        Outcome(Post(APosting(reason, {ALine(kMasks, kRoom, v1::IN_TRANSIT, v1::AVAILABLE, 1)}))),
        "FAILED_PRECONDITION STATE_CHANGE_NOT_ALLOWED")
        << v1::MovementReason_Name(reason);
  }
  v1::PostMovementRequest with_holder =
      APosting(v1::CONSUME, {ALine(kMasks, kRoom, v1::IN_TRANSIT, v1::CONSUMED, 1)});
  with_holder.mutable_lines(0)->mutable_source()->set_holder(transfer_);
  EXPECT_THAT(ViolatedFields(Post(with_holder)), ElementsAre("lines[0].source.holder"));
  EXPECT_EQ(Holds(kRoom, v1::IN_TRANSIT), 30);
}

}  // namespace
}  // namespace quartermaster::testing
