#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "qmctl/client/retry.h"
#include "quartermaster/inventory/v1/records.pb.h"
#include "quartermaster/type/v1/record.pb.h"

namespace quartermaster::qmctl {

// Where the gateway is and who asks.
struct ClientOptions {
  // `host:port`.
  std::string server;
  // PEM of the authority that signed the gateway's certificate; empty for a connection without TLS.
  std::string tls_authority_pem;
  // A bearer token; empty to send none.
  std::string token;
  // For each attempt.
  absl::Duration timeout = absl::Seconds(30);
  RetryPolicy retries;
};

// Calls the gateway in the name of one caller. Thread-safe.
class Client {
 public:
  virtual ~Client() = default;

  // Calls `method`, for instance `quartermaster.inventory.v1.Units/GetUnit`, and waits for its
  // answer. Errors carry the reason, the metadata and the field violations that the server sent.
  virtual absl::Status Call(absl::string_view method, const google::protobuf::Message& request,
                            google::protobuf::Message& response) const = 0;

  // Follows the sealed records of the inventory: calls `take` for each batch until that returns
  // false, then returns OK; otherwise what the stream ended with. Not repeated: whoever takes the
  // batches knows where to go on.
  virtual absl::Status Watch(const inventory::v1::WatchRequest& request,
                             absl::FunctionRef<bool(const type::v1::RecordBatch&)> take) const = 0;
};

// Calls over gRPC. Sends the same request again, as often as the policy allows, when the server is
// not there, is overloaded, or cannot tell what became of the request.
class GrpcClient final : public Client {
 public:
  explicit GrpcClient(ClientOptions options);

  absl::Status Call(absl::string_view method, const google::protobuf::Message& request,
                    google::protobuf::Message& response) const override;
  absl::Status Watch(const inventory::v1::WatchRequest& request,
                     absl::FunctionRef<bool(const type::v1::RecordBatch&)> take) const override;

 private:
  void Prepare(grpc::ClientContext& context) const;
  absl::Status CallOnce(absl::string_view method, const google::protobuf::Message& request,
                        google::protobuf::Message& response) const;

  const ClientOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;
};

// Tells whether `server` names this machine alone, so that a token cannot be overheard on the way.
bool IsLoopback(absl::string_view server);

}  // namespace quartermaster::qmctl
