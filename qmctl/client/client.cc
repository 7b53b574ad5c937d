#include "qmctl/client/client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>

#include <utility>

#include "absl/random/random.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/mutex.h"
#include "platform/rpc/status_codec.h"
#include "quartermaster/inventory/v1/records.grpc.pb.h"

namespace quartermaster::qmctl {
namespace {

// A page of a thousand long movements.
constexpr int kResponseBytesMax = 64 << 20;

std::shared_ptr<grpc::Channel> MakeChannel(const ClientOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kResponseBytesMax);
  arguments.SetUserAgentPrefix("qmctl");
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (options.tls_authority_pem.empty()) {
    credentials = grpc::InsecureChannelCredentials();
  } else {
    credentials = grpc::SslCredentials({.pem_root_certs = options.tls_authority_pem});
  }
  return grpc::CreateCustomChannel(options.server, credentials, arguments);
}

}  // namespace

GrpcClient::GrpcClient(ClientOptions options)
    : options_(std::move(options)), channel_(MakeChannel(options_)) {}

absl::Status GrpcClient::Call(absl::string_view method, const google::protobuf::Message& request,
                              google::protobuf::Message& response) const {
  absl::BitGen random;
  for (int attempt_count = 1;; ++attempt_count) {
    absl::Status status = CallOnce(method, request, response);
    if (status.ok()) return status;
    const std::optional<absl::Duration> wait =
        FindWait(status, attempt_count, absl::Uniform(random, 0.0, 1.0), options_.retries);
    if (!wait.has_value()) return status;
    absl::SleepFor(*wait);
  }
}

absl::Status GrpcClient::CallOnce(absl::string_view method,
                                  const google::protobuf::Message& request,
                                  google::protobuf::Message& response) const {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + options_.timeout));
  Prepare(context);
  const grpc::Slice slice(request.SerializeAsString());
  const grpc::ByteBuffer request_bytes(&slice, 1);
  grpc::ByteBuffer response_bytes;

  grpc::Status status;
  base::Notification done;
  grpc::GenericStub stub(channel_);
  stub.UnaryCall(&context, absl::StrCat("/", method), grpc::StubOptions(), &request_bytes,
                 &response_bytes, [&status, &done](grpc::Status result) {
                   status = std::move(result);
                   done.Notify();
                 });
  done.WaitForNotification();

  if (!status.ok()) return rpc::FromGrpcStatus(status);
  grpc::Slice whole;
  if (!response_bytes.DumpToSingleSlice(&whole).ok() ||
      !response.ParseFromArray(whole.begin(), static_cast<int>(whole.size()))) {
    return absl::InternalError(absl::StrCat("the answer to ", method, " is not of its type"));
  }
  return absl::OkStatus();
}

absl::Status GrpcClient::Watch(const inventory::v1::WatchRequest& request,
                               absl::FunctionRef<bool(const type::v1::RecordBatch&)> take) const {
  inventory::v1::Records::Stub stub(channel_);
  grpc::ClientContext context;
  Prepare(context);
  const auto reader = stub.Watch(&context, request);
  type::v1::RecordBatch batch;
  while (reader->Read(&batch)) {
    if (take(batch)) continue;
    context.TryCancel();
    while (reader->Read(&batch)) {
    }
    reader->Finish();
    return absl::OkStatus();
  }
  const grpc::Status status = reader->Finish();
  if (status.ok()) return absl::UnavailableError("the stream ended");
  return rpc::FromGrpcStatus(status);
}

void GrpcClient::Prepare(grpc::ClientContext& context) const {
  if (!options_.token.empty()) {
    context.AddMetadata("authorization", absl::StrCat("Bearer ", options_.token));
  }
}

bool IsLoopback(absl::string_view server) {
  const absl::string_view host = server.substr(0, server.rfind(':'));
  return host == "localhost" || host == "[::1]" || absl::StartsWith(server, "unix:") ||
         (absl::StartsWith(host, "127.") &&
          host.find_first_not_of("0123456789.") == absl::string_view::npos);
}

}  // namespace quartermaster::qmctl
