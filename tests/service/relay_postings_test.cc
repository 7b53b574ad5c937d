// The postings of many callers, carried by the gateway's stream: each must be judged and answered
// as if it had come by itself, whatever its neighbours are.

#include "tests/service/relay_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

// Goal: nobody posts by the rights of those who come along with them, or of who brings them.
// Method: one message carries callers of two units, each to both units, and some who are nobody.
TEST_F(RelayTest, JudgesEachPostingByItsOwnCallersRights) {
  relay::CarriedCall nonsense = ACall(8, east_, AReceipt(1));
  nonsense.set_request("no message at all");

  const auto outcomes = Outcomes({
      ACall(1, east_, AReceipt(1, kDepot)),
      ACall(2, west_, AReceipt(2, kDepot)),
      ACall(3, west_, AReceipt(4, kRoom, kWestMasks)),
      ACall(4, east_, AReceipt(8, kRoom, kWestMasks)),
      ACall(5, "", AReceipt(16, kDepot)),
      ACall(6, "nonsense", AReceipt(32, kDepot)),
      ACall(
          7,
          Identity({}, {{"iat", Seconds(-absl::Minutes(10))}, {"exp", Seconds(-absl::Minutes(9))}}),
          AReceipt(64, kDepot)),
      nonsense,
      ACall(9, east_, AReceipt(128, kDepot), absl::ZeroDuration()),
      ACall(10, east_, AReceipt(256, kDepot)),
  });

  EXPECT_THAT(outcomes,
              ElementsAre(Pair(1, "OK"), Pair(2, "PERMISSION_DENIED PERMISSION_DENIED"),
                          Pair(3, "OK"), Pair(4, "PERMISSION_DENIED PERMISSION_DENIED"),
                          Pair(5, "UNAUTHENTICATED CREDENTIALS_INVALID"),
                          Pair(6, "UNAUTHENTICATED CREDENTIALS_INVALID"),
                          Pair(7, "UNAUTHENTICATED CREDENTIALS_INVALID"),
                          Pair(8, "INVALID_ARGUMENT MALFORMED_REQUEST"),
                          Pair(9, "DEADLINE_EXCEEDED DEADLINE_EXCEEDED"), Pair(10, "OK")));
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 257);
  EXPECT_EQ(Holds(kRoom, v1::AVAILABLE, kWestMasks), 4);
  EXPECT_EQ(Metric("qm_inventory_rpc_calls_total{code=\"OK\",method=\"quartermaster.inventory.v1."
                   "Ledger/PostMovement\"}"),
            3);
}

TEST_F(RelayTest, ARequestIdIsItsCallersOwn) {
  const v1::PostMovementRequest east_request = AReceipt(1, kDepot);
  v1::PostMovementRequest west_request = AReceipt(2, kRoom, kWestMasks);
  west_request.set_request_id(east_request.request_id());
  v1::PostMovementRequest other_content = AReceipt(3, kDepot);
  other_content.set_request_id(east_request.request_id());

  const auto client = Connect();
  ASSERT_TRUE(
      client->Send(Message({ACall(1, east_, east_request), ACall(2, west_, west_request)})));
  const auto first = client->Read(2);
  ASSERT_TRUE(
      client->Send(Message({ACall(1, east_, east_request), ACall(2, west_, west_request),
                            ACall(3, east_, other_content), ACall(4, west_, east_request)})));
  auto again = client->Read(4);

  ASSERT_TRUE(first.at(1).ok() && first.at(2).ok()) << first.at(1).status();
  EXPECT_EQ(first.at(1)->caller(), "persons/ling");
  EXPECT_EQ(first.at(2)->caller(), "persons/wei");
  EXPECT_EQ(again.at(1)->name(), first.at(1)->name());
  EXPECT_EQ(again.at(2)->name(), first.at(2)->name());
  EXPECT_EQ(Outcome(again.at(3)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  EXPECT_EQ(Outcome(again.at(4)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 1);
}

TEST_F(RelayTest, TellsWhatTheMethodItselfTells) {
  const v1::PostMovementRequest too_much = AConsumption(7);
  v1::PostMovementRequest wrong = AReceipt(1);
  wrong.set_request_id("no id");
  const rpc::TestCa::Pair gateway = ca_.Sign(kGateway);
  const auto client = Connect();

  ASSERT_TRUE(client->Send(Message({ACall(1, east_, too_much), ACall(2, east_, wrong)})));
  const auto carried = client->Read(2);

  for (const auto& [number, request] : {std::pair(1, too_much), std::pair(2, wrong)}) {
    const auto alone = PostRequest(grpc::SslCredentials({.pem_root_certs = ca_.certificate(),
                                                         .pem_private_key = gateway.key,
                                                         .pem_cert_chain = gateway.certificate}),
                                   {{"qm-identity", east_}}, request);
    EXPECT_EQ(carried.at(number).status().message(), alone.status().message());
    EXPECT_EQ(status::GetErrorDetail(carried.at(number).status()),
              status::GetErrorDetail(alone.status()));
  }
  EXPECT_EQ(Outcome(carried.at(1)), "FAILED_PRECONDITION INSUFFICIENT_STOCK");
  EXPECT_EQ(Outcome(carried.at(2)), "INVALID_ARGUMENT INVALID_FIELD");
}

TEST_F(RelayTest, ACancelledCallIsNoticedAndHarmsNobody) {
  const auto client = Connect();
  {
    const Standstill standstill(database_.pool());
    ASSERT_TRUE(client->Send(
        Message({ACall(1, east_, AReceipt(1)), ACall(2, west_, AReceipt(2, kRoom, kWestMasks))})));
    relay::PostForCallersRequest cancel;
    cancel.add_cancelled_numbers(1);
    cancel.add_cancelled_numbers(99);
    ASSERT_TRUE(client->Send(cancel));
    EXPECT_TRUE(WaitUntil(absl::Now() + absl::Seconds(20),
                          [&] { return Metric("qm_inventory_rpc_cancelled_calls_total") == 1; }));
  }

  const auto answers = client->Read(2);

  EXPECT_EQ(Outcome(answers.at(2)), "OK");
}

TEST_F(RelayTest, ALateCallIsToldSoWhileOthersWait) {
  const auto client = Connect();
  const v1::PostMovementRequest request = AReceipt(1);
  std::map<int64_t, absl::StatusOr<v1::Movement>> late;
  {
    const Standstill standstill(database_.pool());
    ASSERT_TRUE(client->Send(Message({ACall(1, east_, request, absl::Milliseconds(300)),
                                      ACall(2, west_, AReceipt(2, kRoom, kWestMasks))})));
    late = client->Read(1);
  }

  EXPECT_EQ(Outcome(late.at(1)), "DEADLINE_EXCEEDED DEADLINE_EXCEEDED");
  EXPECT_EQ(Outcome(client->Read(1).at(2)), "OK");
  // Who repeats it learns what became of it, and it happens once.
  ASSERT_TRUE(client->Send(Message({ACall(3, east_, request)})));
  EXPECT_EQ(Outcome(client->Read(1).at(3)), "OK");
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 1);
}

TEST_F(RelayTest, ACutStreamLosesNothingThatIsRepeated) {
  const v1::PostMovementRequest request = AReceipt(5);
  {
    const Standstill standstill(database_.pool());
    const auto client = Connect();
    ASSERT_TRUE(client->Send(Message({ACall(1, east_, request)})));
    EXPECT_TRUE(WaitUntil(absl::Now() + absl::Seconds(20),
                          [&] { return Metric("qm_inventory_rpc_live_calls_count") >= 2; }));
    client->Cut();
    EXPECT_EQ(client->End().status().code(), absl::StatusCode::kCancelled);
  }

  const auto again = Connect();
  ASSERT_TRUE(again->Send(Message({ACall(1, east_, request)})));

  EXPECT_EQ(Outcome(again->Read(1).at(1)), "OK");
  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 5);
}

}  // namespace
}  // namespace quartermaster::testing
