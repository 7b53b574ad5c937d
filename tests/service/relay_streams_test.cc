// The streams that carry postings: who may open one, what ends it, and that none takes more than
// its share, whoever floods it or does not read it.

#include <atomic>
#include <thread>

#include "tests/service/relay_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST_F(RelayTest, NobodyButTheGatewayCarriesCalls) {
  for (const char* peer : {kProvince, "spiffe://quartermaster/systems/other"}) {
    const auto client = Connect(peer);
    client->Send(Message({ACall(1, east_, AReceipt(1))}));

    EXPECT_TRUE(client->Read(1).empty()) << peer;
    EXPECT_EQ(Outcome(client->End()), "PERMISSION_DENIED PERMISSION_DENIED") << peer;
  }
  EXPECT_EQ(Count("movements"), 0);
}

TEST_F(RelayTest, EndsStreamsThatBreakTheRules) {
  const auto too_many = Connect();
  too_many->Send(Message(std::vector<relay::CarriedCall>(257, ACall(1, "", AReceipt(1)))));
  EXPECT_EQ(Outcome(too_many->End()), "INVALID_ARGUMENT INVALID_FIELD");

  const Standstill standstill(database_.pool());
  const auto twice = Connect();
  twice->Send(Message({ACall(7, east_, AReceipt(1)), ACall(7, east_, AReceipt(1))}));
  EXPECT_EQ(Outcome(twice->End()), "INVALID_ARGUMENT INVALID_FIELD");
}

// An end with OK would tell the gateway that all it sent is answered.
TEST_F(RelayTest, BytesThatAreNoMessageEndTheStream) {
  for (const std::string& bytes : {std::string("no message at all"), std::string("\x0A\x05", 2)}) {
    const auto client = Connect();
    ASSERT_TRUE(client->Send(Message({ACall(1, "", AReceipt(1))})));
    ASSERT_EQ(client->Read(1).size(), 1);
    client->SendBytes(bytes);
    EXPECT_EQ(Outcome(client->End()), "INVALID_ARGUMENT MALFORMED_REQUEST");
  }
}

class RelayFloodTest : public RelayTest {
 protected:
  // While nothing can be posted, one person sends `count` calls and then another sends one. Expects
  // `refused_min` of the flood to be told so at once, and the other's call to be posted.
  void FloodAndAskForAnother(int count, size_t refused_min) {
    const auto client = Connect();
    std::map<int64_t, absl::StatusOr<v1::Movement>> refused;
    {
      const Standstill standstill(database_.pool());
      SendFlood(*client, count);
      refused = client->Read(refused_min);
      ASSERT_TRUE(client->Send(Message({ACall(count + 1, west_, AReceipt(2, kRoom, kWestMasks))})));
    }
    EXPECT_GE(refused.size(), refused_min);
    for (const auto& [number, answer] : refused) {
      EXPECT_EQ(Outcome(answer), "RESOURCE_EXHAUSTED CALLER_OVERLOADED") << number;
    }

    const auto rest = client->Read(count + 1 - refused.size());

    ASSERT_TRUE(rest.contains(count + 1));
    EXPECT_EQ(Outcome(rest.at(count + 1)), "OK");
  }
};

// Goal: one person's flood is told so, and what others post by the same stream is read and posted.
// Method: with the defaults, while no turn ends, one sends more than may wait: at most a turn of
// 256 and half of the queue.
TEST_F(RelayFloodTest, AFloodOfOnePersonsIsToldSoAndHoldsUpNobody) {
  constexpr int kFlood = 1500;
  const size_t refused_min =
      kFlood - 256 - inventory::PostingLanes::Options().queued_postings_max / 2;
  FloodAndAskForAnother(kFlood, refused_min);
}

// The same where each posting has a thread and a transaction of its own.
TEST_F(RelayFloodTest, AFloodIsToldSoWithoutLanesToo) {
  InventoryServer::Options options = SecureOptions();
  options.inventory.lanes.lane_count = 0;
  secure_ = InventoryServer::Start(database_, options);
  constexpr int kFlood = 300;
  // At most 8 threads and a queue of 256.
  constexpr size_t kRefusedMin = kFlood - 8 - 256;
  FloodAndAskForAnother(kFlood, kRefusedMin);
}

// Goal: a stream that sends without end and never reads costs its own bound and no more.
TEST_F(RelayTest, AStreamThatNeverReadsIsNotReadEither) {
  const auto hostile = Connect();
  std::atomic<int64_t> sent_count = 0;
  std::thread flood([&] {
    std::vector<relay::CarriedCall> calls;
    for (int64_t next = 0; next < 1'000'000;) {
      calls.clear();
      for (int i = 0; i < 100; ++i) calls.push_back(ACall(++next, "nonsense", AReceipt(1)));
      if (!hostile->Send(Message(calls))) return;
      sent_count += 100;
    }
  });
  // It stands still: its answers fill the connection, and after them nothing of it is read.
  int64_t before = -1;
  const bool stands = WaitUntil(absl::Now() + absl::Seconds(60), [&] {
    absl::SleepFor(absl::Milliseconds(200));
    return std::exchange(before, sent_count.load()) == sent_count.load();
  });

  EXPECT_TRUE(stands);
  EXPECT_LT(sent_count, 1'000'000);
  // The stream's own call, and this one's neighbours.
  EXPECT_LE(Metric("qm_inventory_rpc_live_calls_count"), 2);
  EXPECT_THAT(Outcomes({ACall(1, east_, AReceipt(1))}), ElementsAre(Pair(1, "OK")));
  hostile->Cut();
  flood.join();
  EXPECT_FALSE(hostile->End().ok());
}

TEST_F(RelayTest, AServerThatStopsAnswersWhatCameAndTakesNoMore) {
  const auto client = Connect();
  auto standstill = std::make_unique<Standstill>(database_.pool());
  ASSERT_TRUE(client->Send(Message({ACall(1, east_, AReceipt(1))})));
  EXPECT_TRUE(WaitUntil(absl::Now() + absl::Seconds(20),
                        [&] { return Metric("qm_inventory_rpc_live_calls_count") >= 2; }));

  secure_->inventory().EndStreams();

  EXPECT_TRUE(client->ReadClosing());
  client->SendNoMore();
  const auto refused = Connect();
  EXPECT_EQ(Outcome(refused->End()), "UNAVAILABLE SHUTTING_DOWN");
  standstill.reset();
  EXPECT_EQ(Outcome(client->Read(1).at(1)), "OK");
  EXPECT_EQ(Outcome(client->End()), "OK");
}

TEST_F(RelayTest, StreamsAreCounted) {
  std::vector<std::unique_ptr<RelayClient>> clients;
  for (int i = 0; i < inventory::RelayOptions().streams_max; ++i) {
    clients.push_back(Connect());
    ASSERT_TRUE(clients.back()->Send(Message({ACall(1, "", AReceipt(1))})));
    ASSERT_EQ(clients.back()->Read(1).size(), 1);
  }

  EXPECT_EQ(Outcome(Connect()->End()), "RESOURCE_EXHAUSTED OVERLOADED");
  clients.pop_back();
  EXPECT_TRUE(WaitUntil(absl::Now() + absl::Seconds(20), [&] {
    const auto client = Connect();
    return client->Send(Message({ACall(1, "", AReceipt(1))})) && client->Read(1).size() == 1;
  }));
}

}  // namespace
}  // namespace quartermaster::testing
