#include "platform/rpc/client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "platform/auth/authenticator.h"
#include "platform/base/status_macros.h"
#include "platform/telemetry/trace.h"

namespace quartermaster::rpc {
namespace {

// Client and server agree: the server allows a ping each 30 s (`SetLimits`).
constexpr int kKeepaliveTimeMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;
// A service that restarts is found again within two seconds, not two minutes.
constexpr int kReconnectFirstMs = 100;
constexpr int kReconnectMaxMs = 2'000;
constexpr int kConnectTimeMaxMs = 5'000;
// An answer may be longer than what was asked: names are written out in it.
constexpr int kReceiveBytesMax = 16 * 1024 * 1024;
constexpr int kMetadataBytesMax = 64 * 1024;

std::string RenderMethodName(absl::string_view name) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(name, absl::MaxSplits('/', 1));
  if (parts.second.empty()) return absl::StrCat("{\"service\":\"", parts.first, "\"}");
  return absl::StrCat("{\"service\":\"", parts.first, "\",\"method\":\"", parts.second, "\"}");
}

// The service config in gRPC's own JSON (gRFC A2, A6).
std::string RenderServiceConfig(const std::vector<std::string>& idempotent_methods) {
  std::string method_config;
  if (!idempotent_methods.empty()) {
    std::vector<std::string> names;
    for (const std::string& name : idempotent_methods) names.push_back(RenderMethodName(name));
    method_config = absl::StrCat(
        ",\"methodConfig\":[{\"name\":[", absl::StrJoin(names, ","),
        "],\"retryPolicy\":{\"maxAttempts\":3,\"initialBackoff\":\"0.05s\",\"maxBackoff\":\"1s\","
        "\"backoffMultiplier\":2,\"retryableStatusCodes\":[\"UNAVAILABLE\"]}}],"
        "\"retryThrottling\":{\"maxTokens\":10,\"tokenRatio\":0.1}");
  }
  return absl::StrCat("{\"loadBalancingConfig\":[{\"round_robin\":{}}]", method_config, "}");
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(
    const ClientOptions& options) {
  if (!options.is_plaintext) return MakeClientCredentials(options.tls);
  if (!IsLoopback(options.target)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "calls without TLS are possible on loopback only, and the target is ", options.target));
  }
  return grpc::InsecureChannelCredentials();
}

grpc::ChannelArguments MakeArguments(const ClientOptions& options, int index) {
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(RenderServiceConfig(options.idempotent_methods));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectFirstMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeMaxMs);
  arguments.SetMaxReceiveMessageSize(kReceiveBytesMax);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
  // Channels with equal arguments would share one connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt("quartermaster.channel", index);
  return arguments;
}

}  // namespace

void ClientOptions::Declare(config::Settings& settings, absl::string_view name) {
  const std::string prefix = absl::StrCat(settings.prefix(), name, "_");
  settings.String(prefix + "ADDRESS", &target,
                  {.is_required = true,
                   .help = "Where the service is: host:port, dns:///host:port for all its "
                           "addresses in turn, or unix:/path."});
  settings.Bool(prefix + "PLAINTEXT", &is_plaintext,
                "Calls it without TLS. For loopback and unix sockets only.");
  settings.Path(prefix + "CERTIFICATE_FILE", &tls.certificate,
                {.help = "The certificate to show to it, PEM. Read again when it changes."});
  settings.Path(prefix + "KEY_FILE", &tls.key, {.help = "The certificate's key, PEM."});
  settings.Path(prefix + "CA_FILE", &tls.ca,
                {.help = "Certificates that sign the service's, PEM."});
  settings.Int(prefix + "CONNECTIONS", &connection_count,
               {.min = 1, .max = 64, .unit = "connections", .help = "To each of its addresses."});
}

absl::StatusOr<std::unique_ptr<Channels>> Channels::Make(const ClientOptions& options) {
  QM_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ChannelCredentials> credentials,
                      MakeCredentials(options));
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < std::max(1, options.connection_count); ++i) {
    channels.push_back(
        grpc::CreateCustomChannel(options.target, credentials, MakeArguments(options, i)));
  }
  return std::unique_ptr<Channels>(new Channels(std::move(channels)));
}

absl::Time DeadlineForCallee(absl::Time deadline, absl::Time now) {
  return now + (deadline - now) * 0.95 - absl::Milliseconds(5);
}

void PrepareContext(const base::Call& call, absl::string_view identity_token, absl::Time now,
                    grpc::ClientContext& context) {
  context.set_deadline(absl::ToChronoTime(DeadlineForCallee(call.deadline, now)));
  context.AddMetadata(telemetry::kTraceparent, telemetry::RenderTraceparent(call.trace));
  if (!identity_token.empty()) {
    context.AddMetadata(auth::kIdentityMetadata, std::string(identity_token));
  }
}

}  // namespace quartermaster::rpc
