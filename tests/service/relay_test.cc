// The postings of many callers, carried by the gateway's stream: each must be judged and answered
// as if it had come by itself, whatever its neighbours are.

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "quartermaster/internal/v1/relay.grpc.pb.h"
#include "tests/service/caller_test.h"

namespace quartermaster::testing {
namespace {

namespace relay = internal::v1;

// Of west, where the others are of east.
constexpr char kWestMasks[] = "items/mask/lots/w1";

using ::testing::ElementsAre;
using ::testing::Pair;

// A person who may post in one unit.
std::string IdentityOf(const std::string& subject, const std::string& unit) {
  return Identity({},
                  {{"sub", subject},
                   {"grants", Json::array({{{"role", "unit-quartermaster"}, {"unit", unit}}})}});
}

relay::CarriedCall ACall(int64_t number, const std::string& identity,
                         const v1::PostMovementRequest& request,
                         absl::Duration time_left = absl::Seconds(20)) {
  relay::CarriedCall call;
  call.set_number(number);
  call.set_identity(identity);
  call.set_time_left_us(absl::ToInt64Microseconds(time_left));
  call.set_request(request.SerializeAsString());
  return call;
}

relay::PostForCallersRequest Message(const std::vector<relay::CarriedCall>& calls) {
  relay::PostForCallersRequest message;
  for (const relay::CarriedCall& call : calls) *message.add_calls() = call;
  return message;
}

// The other end of one stream, with a connection of its own.
class RelayClient {
 public:
  RelayClient(const InventoryServer& server, const rpc::TestCa& ca, const rpc::TestCa::Pair& own) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ = grpc::CreateCustomChannel(server.address(),
                                         grpc::SslCredentials({.pem_root_certs = ca.certificate(),
                                                               .pem_private_key = own.key,
                                                               .pem_cert_chain = own.certificate}),
                                         arguments);
    context_.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
    const grpc::internal::RpcMethod method("/quartermaster.internal.v1.Relay/PostForCallers",
                                           grpc::internal::RpcMethod::BIDI_STREAMING, channel_);
    stream_.reset(grpc::internal::ClientReaderWriterFactory<
                  grpc::ByteBuffer, relay::PostForCallersResponse>::Create(channel_.get(), method,
                                                                           &context_));
  }

  bool Send(const relay::PostForCallersRequest& message) {
    return SendBytes(message.SerializeAsString());
  }
  bool SendBytes(const std::string& bytes) {
    const grpc::Slice slice(bytes);
    return stream_->Write(grpc::ByteBuffer(&slice, 1));
  }

  // Reads until so many calls are answered, or the stream ends.
  std::map<int64_t, absl::StatusOr<v1::Movement>> Read(size_t count) {
    std::map<int64_t, absl::StatusOr<v1::Movement>> answers;
    relay::PostForCallersResponse response;
    while (answers.size() < count && stream_->Read(&response)) {
      if (response.is_closing()) is_closing_ = true;
      for (const relay::CarriedAnswer& answer : response.answers()) {
        EXPECT_FALSE(answers.contains(answer.number())) << "answered twice";
        const grpc::Status status(static_cast<grpc::StatusCode>(answer.code()), answer.message(),
                                  answer.details());
        v1::Movement movement;
        EXPECT_TRUE(movement.ParseFromString(answer.response()));
        answers.emplace(answer.number(), status.ok() ? absl::StatusOr<v1::Movement>(movement)
                                                     : rpc::FromGrpcStatus(status));
      }
    }
    return answers;
  }
  // Waits for the server to say that it is about to stop.
  bool ReadClosing() {
    relay::PostForCallersResponse response;
    return is_closing_ || (stream_->Read(&response) && response.is_closing());
  }

  void SendNoMore() { stream_->WritesDone(); }
  void Cut() { context_.TryCancel(); }
  absl::StatusOr<int> End() {
    relay::PostForCallersResponse unread;
    while (stream_->Read(&unread)) {
    }
    const grpc::Status status = stream_->Finish();
    if (!status.ok()) return rpc::FromGrpcStatus(status);
    return 0;
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, relay::PostForCallersResponse>>
      stream_;
  bool is_closing_ = false;
};

class RelayTest : public CallerTest {
 protected:
  RelayTest() { EXPECT_EQ(Outcome(CreateLot(ACreateLot("items/mask", "w1", "units/west"))), "OK"); }

  std::unique_ptr<RelayClient> Connect(const char* spiffe_id = kGateway) {
    return std::make_unique<RelayClient>(*secure_, ca_, ca_.Sign(spiffe_id));
  }

  // Sends calls by one message and returns what each came to.
  std::map<int64_t, std::string> Outcomes(const std::vector<relay::CarriedCall>& calls) {
    const auto client = Connect();
    EXPECT_TRUE(client->Send(Message(calls)));
    std::map<int64_t, std::string> outcomes;
    for (const auto& [number, answer] : client->Read(calls.size())) {
      outcomes[number] = Outcome(answer);
    }
    client->SendNoMore();
    EXPECT_EQ(Outcome(client->End()), "OK");
    return outcomes;
  }

  // Keeps every posting in its turn as long as it lives.
  class Standstill {
   public:
    explicit Standstill(mysql::Pool& pool)
        : lease_(*pool.Acquire(absl::Now() + absl::Seconds(10))) {
      QM_CHECK(lease_->Execute("LOCK TABLES balances WRITE").ok());
    }
    ~Standstill() { QM_CHECK(lease_->Execute("UNLOCK TABLES").ok()); }

   private:
    mysql::Lease lease_;
  };

  // Sends calls of one person, numbered from 1, a hundred in a message.
  void SendFlood(RelayClient& client, int count) {
    std::vector<relay::CarriedCall> calls;
    for (int i = 1; i <= count; ++i) {
      calls.push_back(ACall(i, east_, AReceipt(1), absl::Seconds(60)));
      if (calls.size() < 100 && i < count) continue;
      ASSERT_TRUE(client.Send(Message(std::exchange(calls, {}))));
    }
  }

  // Reads one number of the metrics.
  double Metric(const std::string& line_begin) {
    for (const auto& line : absl::StrSplit(secure_->metrics().Render(), '\n')) {
      if (!absl::StartsWith(line, line_begin + " ")) continue;
      return std::stod(std::string(line.substr(line_begin.size() + 1)));
    }
    return 0;
  }

  const std::string east_ = IdentityOf("ling", "units/east");
  const std::string west_ = IdentityOf("wei", "units/west");
};

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

// Goal: one person's flood is told so, and what others post by the same stream is read and posted.
// Method: with the defaults, while no turn ends, one sends more than may wait: at most a turn of
// 256 and half of the queue.
TEST_F(RelayTest, AFloodOfOnePersonsIsToldSoAndHoldsUpNobody) {
  constexpr int kFlood = 1500;
  const size_t refused_min =
      kFlood - 256 - inventory::PostingLanes::Options().queued_postings_max / 2;
  const auto client = Connect();
  std::map<int64_t, absl::StatusOr<v1::Movement>> refused;
  {
    const Standstill standstill(database_.pool());
    SendFlood(*client, kFlood);
    refused = client->Read(refused_min);
    ASSERT_TRUE(client->Send(Message({ACall(kFlood + 1, west_, AReceipt(2, kRoom, kWestMasks))})));
  }
  EXPECT_GE(refused.size(), refused_min);
  for (const auto& [number, answer] : refused) {
    EXPECT_EQ(Outcome(answer), "RESOURCE_EXHAUSTED CALLER_OVERLOADED") << number;
  }

  const auto rest = client->Read(kFlood + 1 - refused.size());

  ASSERT_TRUE(rest.contains(kFlood + 1));
  EXPECT_EQ(Outcome(rest.at(kFlood + 1)), "OK");
}

// The same where each posting has a thread and a transaction of its own.
TEST_F(RelayTest, AFloodIsToldSoWithoutLanesToo) {
  InventoryServer::Options options = SecureOptions();
  options.inventory.lanes.lane_count = 0;
  secure_ = InventoryServer::Start(database_, options);
  constexpr int kFlood = 300;
  // At most 8 threads and a queue of 256.
  constexpr size_t kRefusedMin = kFlood - 8 - 256;
  const auto client = Connect();
  std::map<int64_t, absl::StatusOr<v1::Movement>> refused;
  {
    const Standstill standstill(database_.pool());
    SendFlood(*client, kFlood);
    refused = client->Read(kRefusedMin);
    ASSERT_TRUE(client->Send(Message({ACall(kFlood + 1, west_, AReceipt(2, kRoom, kWestMasks))})));
  }
  EXPECT_GE(refused.size(), kRefusedMin);
  for (const auto& [number, answer] : refused) {
    EXPECT_EQ(Outcome(answer), "RESOURCE_EXHAUSTED CALLER_OVERLOADED") << number;
  }

  const auto rest = client->Read(kFlood + 1 - refused.size());

  ASSERT_TRUE(rest.contains(kFlood + 1));
  EXPECT_EQ(Outcome(rest.at(kFlood + 1)), "OK");
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
