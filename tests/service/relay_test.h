#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "quartermaster/internal/v1/relay.grpc.pb.h"
#include "tests/service/caller_test.h"

namespace quartermaster::testing {

namespace relay = internal::v1;

// Of west, where the others are of east.
inline constexpr char kWestMasks[] = "items/mask/lots/w1";

// A person who may post in one unit.
inline std::string IdentityOf(const std::string& subject, const std::string& unit) {
  return Identity({},
                  {{"sub", subject},
                   {"grants", Json::array({{{"role", "unit-quartermaster"}, {"unit", unit}}})}});
}

inline relay::CarriedCall ACall(int64_t number, const std::string& identity,
                                const v1::PostMovementRequest& request,
                                absl::Duration time_left = absl::Seconds(20)) {
  relay::CarriedCall call;
  call.set_number(number);
  call.set_identity(identity);
  call.set_time_left_us(absl::ToInt64Microseconds(time_left));
  call.set_request(request.SerializeAsString());
  return call;
}

inline relay::PostForCallersRequest Message(const std::vector<relay::CarriedCall>& calls) {
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

// Tests of `Relay`: the other end is a gateway, with persons of two units.
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

}  // namespace quartermaster::testing
